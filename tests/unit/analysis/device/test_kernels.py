"""Top kernels and ops of a device (microseconds)."""

from __future__ import annotations

from dataclasses import replace

from diag.analysis import Analysis, analyze
from diag.model.availability import Unavailable
from diag.model.device import KernelTime
from diag.model.window import Window
from tests.unit.analysis.traces import analyzed, capture_of


def told(times: tuple[KernelTime, ...]) -> list[tuple[str, str, int, float]]:
    return [
        (t.name, "?" if isinstance(t.op, Unavailable) else t.op, t.count, t.total_ns / 1000)
        for t in times
    ]


def ops(analysis: Analysis) -> list[tuple[str, int, float]]:
    return [(name, count, total) for name, _, count, total in told(analysis.device_ops)]


TRACE = """
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 0..900us id=1 _c=1
    dense/MatMul:MatMul 10..40us
      gemm 20..30us correlation_id=1
    dense_1/MatMul:MatMul 50..80us
      gemm 60..70us correlation_id=2
      gemm 71..72us correlation_id=3
    launched 90..95us correlation_id=4 tf_op="softmax:Softmax"
    launched 96..97us correlation_id=5
plane /device:GPU:0
line Stream #1(Compute)
  gemm 100..150us correlation_id=1
  gemm 200..220us correlation_id=2
  gemm 230..240us correlation_id=3
  soft 300..400us correlation_id=4
  told 500..510us correlation_id=1 tf_op="own:Relu"
  lost 600..605us correlation_id=5
line Stream #2(MemcpyH2D)
  MemcpyH2D 700..730us correlation_id=1 memcpy_details="size:4"
"""


def test_kernels_by_their_time_with_the_op_that_launched_them_most() -> None:
    assert told(analyzed(TRACE).kernels) == [
        ("soft", "softmax:Softmax", 1, 100),
        ("gemm", "dense_1/MatMul:MatMul", 3, 80),
        ("told", "own:Relu", 1, 10),
        ("lost", "?", 1, 5),
    ]


def test_ops_by_device_time_their_copies_included() -> None:
    assert ops(analyzed(TRACE)) == [
        ("softmax:Softmax", 1, 100),
        ("dense/MatMul:MatMul", 2, 80),
        ("dense_1/MatMul:MatMul", 2, 30),
        ("own:Relu", 1, 10),
    ]


def test_ops_of_compiled_modules_are_told_apart_by_module() -> None:
    def xla(start: int, module: str, op: str) -> str:
        return (
            f"fusion {start}..{start + 10}us tf_op=XlaModule: "
            f"hlo_op={op} hlo_module={module} correlation_id=1"
        )

    analysis = analyzed(f"""
    plane /device:GPU:0
    line Stream #16(Kernel)
      {xla(0, "jit_matmul", "fusion.1")}
      {xla(10, "jit_matmul", "fusion.1")}
      {xla(20, "jit_add", "fusion.1")}
      alone 40..45us hlo_op=copy.1
    """)
    assert ops(analysis) == [
        ("fusion.1 (jit_matmul)", 2, 20),
        ("fusion.1 (jit_add)", 1, 10),
        ("copy.1", 1, 5),
    ]
    assert told(analysis.kernels)[0] == ("fusion", "fusion.1 (jit_matmul)", 3, 30)


def test_times_are_cut_at_the_window() -> None:
    capture = replace(capture_of(TRACE), window=Window(120_000, 350_000))
    assert told(analyze(capture).kernels) == [
        ("gemm", "dense_1/MatMul:MatMul", 3, 60),
        ("soft", "softmax:Softmax", 1, 50),
    ]


def test_at_most_twenty_and_of_equal_times_the_first_by_name() -> None:
    names = [f"k{i:02}" for i in range(30)]
    events = [f"  {name} {20 * i}..{20 * i + 10}us" for i, name in enumerate(reversed(names))]
    analysis = analyzed("plane /device:GPU:0\nline Stream #1\n" + "\n".join(events))
    assert [kernel.name for kernel in analysis.kernels] == names[:20]


def test_the_same_kernel_on_two_gpus_is_one() -> None:
    analysis = analyzed("""
    plane /device:GPU:0
    line Stream #1
      k 0..10us
    plane /device:GPU:1
    line Stream #1
      k 0..15us
    """)
    assert told(analysis.kernels) == [("k", "?", 2, 25)]


def test_the_number_of_ops_that_launched_a_kernel_is_told() -> None:
    kernels = {kernel.name: kernel.ops for kernel in analyzed(TRACE).kernels}
    assert kernels == {"soft": 1, "gemm": 2, "told": 1, "lost": 0}
