"""Recordings that lack so much that the rest may mislead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.findings.metrics import measure
from diag.model.finding import Finding, Tier
from tests.recordings import recorded
from tests.unit.analysis.traces import QUEUE_A, capture_of
from tests.unit.findings.gpu_traces import KERNEL, gpu_runs
from tests.unit.findings.servers import unfounded_numbers

QUIET = gpu_runs([(10, 210, "gemm", KERNEL)])
FULL = gpu_runs([(2, 985, "gemm", KERNEL)])


def lossy(text: str, lost: int) -> Analysis:
    warning = (
        "Detected GPU events dropped on host: Profiler has collected 9 driver events and 9 device "
        f"events. {lost} events dropped because total device(activity) events reaches max;"
    )
    return analyze(replace(capture_of(text), trace_warnings=(warning,)))


def truncated(analysis: Analysis) -> Finding | None:
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    return next((each for each in findings if each.id == "trace-truncated"), None)


def test_half_of_the_gpu_events_lost_is_said_before_anything_of_the_gpu() -> None:
    analysis = lossy(QUIET, 40)
    found = truncated(analysis)
    assert found is not None
    assert found.what.startswith("The trace lost 40 GPU events and has 40: how long the GPU worked")
    assert (found.tier, found.cause) == (Tier.VISIBILITY, "lost-events")
    assert (measure(analysis, "device.lost"), found.verify[0].high) == (40, 0)


@pytest.mark.parametrize(
    "analysis",
    [lossy(QUIET, 39), lossy(FULL, 40), analyze(capture_of(QUIET))],
    ids=["fewer lost", "busy all the same", "none lost"],
)
def test_a_loss_that_changes_no_verdict_is_none(analysis: Analysis) -> None:
    assert truncated(analysis) is None


def cut(count: int) -> str:
    """One whole request, and ``count`` whose batch the window cut off."""
    text = f"""
    line grpc
      BatchingSessionRun 0..900us
        ScheduleOutputTask 1..2us size=1 _p={QUEUE_A + 1}
    line b/1
      ProcessBatch 10..890us _c={QUEUE_A + 1} batch_size_before_padding=1
        SessionRun 12..880us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 12..880us id=1 _c=1
    """
    tasks = "".join(
        f"    ScheduleOutputTask {905 + i}..{905.5 + i}us size=1 _p={QUEUE_A + 2}\n"
        for i in range(count)
    )
    return f"{text}\nline grpc-2\n{tasks}"


def test_most_requests_cut_by_the_window() -> None:
    found = truncated(analyze(capture_of(cut(1))))
    assert found is not None
    assert found.what.startswith("Requests cut by the window's edges: 1; whole: 1.")
    assert "--duration" in found.remedies[0].action
    assert truncated(analyze(capture_of(cut(0)))) is None


def test_gpus_traced_for_a_tenth_of_the_window() -> None:
    found = truncated(analyze(recorded("gpu-tracer-late")))
    assert found is not None
    assert found.cause == "gpu-traced-late"
    assert found.what.startswith("GPUs were traced for 96.0 ms of 996 ms only")
