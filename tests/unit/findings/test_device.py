"""Rules about GPUs: one built trace for each, and evidence for every number."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.model.agreement import Agreement, AgreementKind, AgreementReason, OtherProcess
from diag.model.availability import Unavailable
from diag.model.gaps import Confidence
from tests.unit.analysis.traces import analyzed, capture_of
from tests.unit.findings.servers import unfounded_numbers

if TYPE_CHECKING:
    from diag.analysis import Analysis
    from diag.model.finding import Finding

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
    ("launches", "rule", "says", "action"),
    [
        (TINY, "launch-bound", "waiting for the CPU to launch", "(now 19 a request)"),
        (
            [(10, 700, "MemcpyH2D", COPY_IN), (710, 980, "gemm", KERNEL)],
            "transfer-bound",
            "copying between host and GPU",
            "(now 3.81 MiB a request to the GPU)",
        ),
        (
            [(10, 980, "gemm", KERNEL)],
            "device-saturated",
            "98% of the time: at capacity",
            "replica",
        ),
    ],
)
def test_what_of_the_model_is_not_its_kernels(
    launches: list[tuple[int, int, str, str]], rule: str, says: str, action: str
) -> None:
    finding = founded(analyzed(steps(launches)))
    assert finding.id == rule, finding.what
    assert says in finding.what
    assert action in finding.remedies[0].action


def founded(analysis: Analysis) -> Finding:
    """The first finding; every number of the verdict has evidence."""
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    return findings[0]


def test_kernels_that_wait_behind_another_run_on_the_shared_stream() -> None:
    finding = founded(
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
    assert finding.id == "device-wait-dominates", finding.what
    assert "follow each other on the GPU's one compute stream" in finding.remedies[0].action


def shared_gpu(sampled: float) -> Analysis:
    """A busy GPU, with the cross-check that names another process on it."""
    analysis = analyze(capture_of(steps([(10, 980, "gemm", KERNEL)])))
    check = Agreement(
        device="/device:GPU:0",
        source="nvml",
        kind=AgreementKind.OTHER_PROCESS,
        reason=AgreementReason.OTHERS_WORK_TOO,
        traced_ratio=0.5,
        sampled_ratio=sampled,
        tolerance_ratio=0.05,
        doubt_ratio=0.05,
        overlap_ns=1,
        resolution_ns=1,
        averaging=Unavailable("not needed here"),
        clock_error_ns=0,
        others=(
            OtherProcess(4242, "trainer", 0.4, Unavailable("not asked")),
            OtherProcess(4243, Unavailable("gone"), 0.1, 1),
        ),
    )
    return replace(analysis, agreements=(check,))


def test_another_process_that_takes_much_of_the_gpu_is_named() -> None:
    finding = founded(shared_gpu(0.9))
    assert (finding.id, finding.cause) == ("gpu-shared", "other-process")
    assert finding.what == (
        "/device:GPU:0 is shared with process 4242 (trainer): 90% busy by NVML, "
        "50% by this server's kernels."
    )
    assert "MIG" in finding.remedies[0].action


def test_another_process_that_takes_little_is_not_the_cause() -> None:
    assert "gpu-shared" not in [finding.id for finding in find(shared_gpu(0.6))]


def test_samples_that_contradict_the_trace_are_part_of_the_verdict() -> None:
    analysis = shared_gpu(0.9)
    check = replace(analysis.agreements[0], kind=AgreementKind.DISAGREE, others=())
    analysis = replace(analysis, agreements=(check,))
    verdict = conclude(analysis, find(analysis))
    assert verdict.doubt == (
        "Samples and trace disagree on /device:GPU:0: 90% busy by NVML, "
        "50% by this server's kernels."
    )
    assert verdict.confidence is Confidence.LOW
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)


def many(text: str, warning: str = "") -> Analysis:
    return analyze(replace(capture_of(text), trace_warnings=(warning,) if warning else ()))


DROPPED = (
    "Detected GPU events dropped on host: Profiler has collected 9 driver events and 9 device "
    "events. 12 events dropped because total device(activity) events reaches max;"
)


def test_lost_device_events_make_the_verdict_on_the_device_a_guess() -> None:
    busy = steps([(10, 980, "gemm", KERNEL)], count=40)
    finding = find(many(busy))[0]
    assert (finding.id, finding.confidence) == ("device-saturated", Confidence.MEDIUM)
    lossy = many(busy, DROPPED)
    verdict = conclude(lossy, find(lossy))
    assert verdict.confidence is Confidence.LOW
    assert verdict.doubt == "The trace lost device events, so times on the GPU are lower bounds."


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
    finding = founded(analyzed(text))
    assert finding.id == "device-saturated", finding.what
    assert "replica" in finding.remedies[0].action
