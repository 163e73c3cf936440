"""Verdicts on servers with a GPU: one built trace for each, and numbers that can be looked up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import decide
from diag.model.availability import Unavailable
from diag.model.device import Agreement, AgreementKind, OtherProcess
from tests.unit.analysis.traces import analyzed, capture_of
from tests.unit.findings.test_decide import unfounded_numbers

if TYPE_CHECKING:
    from diag.analysis import Analysis

PERIOD_US = 1000


def steps(launches: list[tuple[int, int, str, str]], *, count: int = 1, end: int = 990) -> str:
    """``count`` unbatched runs, each launching device work: begin, end, name, details."""
    host, device = "", ""
    for i in range(count):
        at = i * PERIOD_US
        host += f"  ExecutorState::Process {at}..{at + end}us id={i + 1} _c={i + 1}\n"
        for j, (begin, stop, name, details) in enumerate(launches):
            link = 1000 * (i + 1) + j
            host += f"    {name} {at + begin - 2}..{at + begin - 1}us correlation_id={link}\n"
            device += f"  {name} {at + begin}..{at + stop}us correlation_id={link} {details}\n"
    runs = "".join(
        f"  SessionRun {i * PERIOD_US}..{i * PERIOD_US + end}us id={i + 1} _p={i + 1}\n"
        for i in range(count)
    )
    return f"""
    plane /host:CPU
    line grpc
    {runs}
    line tf_Compute/1
    {host}
    plane /device:GPU:0
    line Stream #1(Compute)
    {device}
    """


KERNEL = 'kernel_details="regs:32 grid:1,1,1 block:64,1,1"'
COPY_IN = 'memcpy_details="kind_src:pageable kind_dst:device size:4000000 dest:0 async:0"'
TINY = [(10 + 50 * i, 14 + 50 * i, f"k{i}", KERNEL) for i in range(19)]


@pytest.mark.parametrize(
    ("launches", "cause", "says", "knob"),
    [
        (TINY, "launch", "waiting for the host to launch", "(now 19 kernels a request)"),
        (
            [(10, 700, "MemcpyH2D", COPY_IN), (710, 980, "gemm", KERNEL)],
            "transfer",
            "copying between host and GPU",
            "(now 4 MB a request to the GPU)",
        ),
        ([(10, 980, "gemm", KERNEL)], "saturated", "leaves no slack", "replica"),
    ],
)
def test_what_of_the_model_is_not_its_kernels(
    launches: list[tuple[int, int, str, str]], cause: str, says: str, knob: str
) -> None:
    verdict = decide(analyzed(steps(launches)))
    assert verdict.cause == cause, verdict.sentence
    assert says in verdict.sentence
    assert knob in verdict.knob
    assert not unfounded_numbers(verdict)


def test_kernels_that_wait_behind_another_run_on_the_shared_stream() -> None:
    verdict = decide(
        analyzed(f"""
        plane /host:CPU
        line grpc-1
          SessionRun 0..1000us id=1 _p=1
        line grpc-2
          SessionRun 0..2000us id=2 _p=2
        line end
          Something 0..3000us
        line tf_Compute/1
          ExecutorState::Process 0..20us id=1 _c=1
            a 5..6us correlation_id=1
        line tf_Compute/2
          ExecutorState::Process 0..30us id=2 _c=2
            b 7..8us correlation_id=2
        plane /device:GPU:0
        line Stream #1(Compute)
          a 20..980us correlation_id=1 {KERNEL}
          b 1500..1990us correlation_id=2 {KERNEL}
          c 980..1500us correlation_id=99 {KERNEL}
        """)
    )
    assert verdict.cause == "device-wait", verdict.sentence
    assert "follow each other on the GPU's one compute stream" in verdict.knob
    assert not unfounded_numbers(verdict)


def test_a_busy_gpu_that_the_trace_lacks_is_said_before_anything_is_guessed_from_the_host() -> None:
    host = steps([(10, 980, "gemm", KERNEL)]).split("plane /device")[0]
    check = replace(
        shared_gpu(0.9).agreements[0],
        kind=AgreementKind.PLANE_MISSING,
        traced_ratio=Unavailable("no plane"),
        others=(),
    )
    verdict = decide(replace(analyzed(host), agreements=(check,)))
    assert verdict.cause == "gpu-not-traced"
    assert "/device:GPU:0 was 90% busy by its samples" in verdict.sentence
    assert "CAP_PERFMON" in verdict.knob
    assert not unfounded_numbers(verdict)


def shared_gpu(sampled: float) -> Analysis:
    """A busy GPU, with the cross-check that names another process on it."""
    analysis = analyze(capture_of(steps([(10, 980, "gemm", KERNEL)])))
    check = Agreement(
        device="/device:GPU:0",
        source="nvml",
        kind=AgreementKind.OTHER_PROCESS,
        traced_ratio=0.5,
        sampled_ratio=sampled,
        tolerance_ratio=0.05,
        overlap_ns=1,
        resolution_ns=1,
        clock_error_ns=0,
        others=(
            OtherProcess(4242, "trainer", 0.4, Unavailable("not asked")),
            OtherProcess(4243, Unavailable("gone"), 0.1, 1),
        ),
        text="",
    )
    return replace(analysis, agreements=(check,))


def test_another_process_that_takes_much_of_the_gpu_is_named() -> None:
    verdict = decide(shared_gpu(0.9))
    assert verdict.cause == "other-process"
    assert "process 4242 (trainer) uses too: busy 90% by its samples and 50%" in verdict.sentence
    assert "MIG" in verdict.knob
    assert not unfounded_numbers(verdict)


def test_another_process_that_takes_little_is_not_the_cause() -> None:
    assert decide(shared_gpu(0.6)).cause != "other-process"


def test_samples_that_contradict_the_trace_are_part_of_the_verdict() -> None:
    analysis = shared_gpu(0.9)
    check = replace(analysis.agreements[0], kind=AgreementKind.DISAGREE, others=())
    verdict = decide(replace(analysis, agreements=(check,)))
    assert "GPU:0 is not so sure: busy 90% by its samples and 50% by this" in verdict.sentence
    assert verdict.confidence == "low"
    assert not unfounded_numbers(verdict)


def many(text: str, warning: str = "") -> Analysis:
    return analyze(replace(capture_of(text), trace_warnings=(warning,) if warning else ()))


DROPPED = (
    "Detected GPU events dropped on host: Profiler has collected 9 driver events and 9 device "
    "events. 12 events dropped because total device(activity) events reaches max;"
)


def test_lost_device_events_make_the_verdict_on_the_device_a_guess() -> None:
    busy = steps([(10, 980, "gemm", KERNEL)], count=40)
    assert (decide(many(busy)).cause, decide(many(busy)).confidence) == ("saturated", "medium")
    verdict = decide(many(busy, DROPPED))
    assert verdict.confidence == "low"
    assert "The trace lost device events" in verdict.sentence


def test_a_gpu_that_one_model_fills_is_saturated_not_shared() -> None:
    queued = "".join(
        f"""
        line tf_Compute/{i}
          SessionRun 0..{1000 * i}us id={i} _p={i}
            ExecutorState::Process 0..20us id={i} _c={i}
              k{i} 5..6us correlation_id={i}
        """
        for i in (1, 2, 3)
    )
    kernels = "".join(
        f"  k{i} {1000 * i - 990}..{1000 * i - 5}us correlation_id={i} {KERNEL}\n"
        for i in (1, 2, 3)
    )
    text = f"plane /host:CPU\n{queued}\nplane /device:GPU:0\nline Stream #1(Compute)\n{kernels}"
    verdict = decide(analyzed(text))
    assert verdict.cause == "saturated", verdict.sentence
    assert "replica" in verdict.knob
