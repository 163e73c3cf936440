"""Host calls of runs on a GPU, and runs that only copied, by hand (microseconds)."""

from __future__ import annotations

import pytest

from tests.unit.analysis.traces import analyzed, gaps_us, stages_us, tiles_exactly


def one_call(call: str, copies: str = "") -> str:
    """A run with one host call from 100 to 400, and its kernel from 600 to 700."""
    return f"""
    plane /host:CPU
    line grpc
      SessionRun 0..1000us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 0..1000us id=1 _c=1
        {call}
        gemm 500..510us correlation_id=12
    plane /device:GPU:0
    line Stream #14(Compute)
      gemm 600..700us correlation_id=12
    line Stream #16(Memcpy)
      {copies}
    """


@pytest.mark.parametrize(
    ("call", "stage"),
    [
        ("cuMemcpyHtoDAsync_v2 100..400us", "transfer-in"),
        ("cuMemcpyDtoHAsync_v2 100..400us", "transfer-out"),
        ("hipMemcpyHtoD 100..400us", "transfer-in"),
        ("MemcpyD2H 100..400us", "transfer-out"),
        ('x 100..400us memcpy_details="kind_src:device kind_dst:pinned"', "transfer-out"),
        # Nothing tells: before the first kernel.
        ("cuMemcpyAsync 100..400us", "transfer-in"),
        # No matter of preprocessing either.
        ("cuMemAlloc_v2 100..400us", "launch"),
        ("cuModuleLoadData 100..400us", "launch"),
        ("cuGraphInstantiateWithFlags 100..400us", "launch"),
        ("backend_compile 100..400us", "launch"),
    ],
)
def test_a_call_before_the_first_device_work_is_no_preprocessing(call: str, stage: str) -> None:
    analysis = analyzed(one_call(call))
    assert stages_us(analysis) == {
        "preprocess": 300,
        stage: 300,
        "compute": 100,
        "postprocess": 300,
    }
    assert tiles_exactly(analysis)


def test_a_copy_within_the_device_is_no_transfer() -> None:
    assert stages_us(analyzed(one_call("cuMemcpyDtoDAsync_v2 100..400us"))) == {
        "preprocess": 600,
        "compute": 100,
        "postprocess": 300,
    }


@pytest.mark.parametrize(
    ("call", "stages"),
    [
        # The device's copy tells the direction, and comes first.
        ("cuMemcpyAsync 100..400us correlation_id=7", {"transfer-out": 250, "transfer-in": 50}),
        ("cuMemcpyHtoDAsync_v2 100..400us correlation_id=7", {"transfer-in": 300}),
    ],
)
def test_a_call_around_its_copy(call: str, stages: dict[str, float]) -> None:
    other = "MemcpyH2D 350..400us correlation_id=8"
    own = "MemcpyD2H 200..210us correlation_id=7"
    if "HtoD" in call:
        own = own.replace("D2H", "H2D")
    text = one_call(call, f"{own}\n      {other}")
    text = text.replace("gemm 500", "cuMemcpyHtoDAsync_v2 50..55us correlation_id=8\n gemm 500")
    stages = {**stages, "transfer-in": stages["transfer-in"] + 5}
    assert stages_us(analyzed(text)) == stages | {
        "preprocess": 95,
        "launch": 200,
        "compute": 100,
        "postprocess": 300,
    }


def test_calls_after_the_last_kernel_bring_data_back_where_nothing_tells() -> None:
    text = one_call("cuMemcpyAsync 750..900us").replace("gemm 500", "gemm 50").replace("510", "60")
    assert stages_us(analyzed(text)) == {
        "preprocess": 600,
        "compute": 100,
        "transfer-out": 150,
        "postprocess": 150,
    }


def test_calls_of_a_run_without_bursts_are_its_too() -> None:
    text = """
    plane /host:CPU
    line worker
      SessionRun 0..1000us id=1 _p=1
        backend_compile 100..300us
        cuMemcpyHtoDAsync_v2 300..400us correlation_id=11
        gemm 450..460us correlation_id=12
    plane /device:GPU:0
    line Stream #14(Compute)
      gemm 600..700us correlation_id=12
    """
    assert stages_us(analyzed(text)) == {
        "preprocess": 300,
        "launch": 200,
        "transfer-in": 100,
        "compute": 100,
        "postprocess": 300,
    }


ONLY_COPIES = """
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 50..900us id=1 _c=1
    cuMemcpyHtoDAsync_v2 60..70us correlation_id=11
    d:DecodeJpeg 100..300us
    m:MatMul 300..700us
    cuMemcpyDtoHAsync_v2 710..720us correlation_id=14
plane /device:GPU:0
line Stream #16(MemcpyH2D)
  MemcpyH2D 80..90us correlation_id=11
line Stream #17(MemcpyD2H)
  MemcpyD2H 730..750us correlation_id=14
"""


def test_a_run_without_kernels_computed_on_the_host() -> None:
    analysis = analyzed(ONLY_COPIES)
    assert stages_us(analysis) == {
        "queue-executor": 50,
        "transfer-in": 10 + 10,
        "preprocess": 200,
        "transfer-out": 10 + 20,
        # all else of the burst, and from its end to the run's
        "compute": 10 + 10 + 10 + 400 + 10 + 10 + 150 + 100,
    }
    assert tiles_exactly(analysis)
    # To the device it is all one: the host is before, between or past its copies.
    assert gaps_us(analysis) == [
        (0, 50, "queue-executor"),
        (50, 60, "preprocess"),
        (60, 70, "transfer"),
        (70, 80, "preprocess"),
        (90, 710, "launch"),
        (710, 720, "transfer"),
        (720, 730, "launch"),
        (750, 1000, "sync-or-output"),
    ]
