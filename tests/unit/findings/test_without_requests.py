"""What is said of a capture without a complete request, and how sure it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from diag.analysis.samples.metrics import ModelMetrics
from diag.cli import main
from diag.errors import EmptyCaptureError
from diag.findings import find
from diag.model.availability import Unavailable
from diag.model.finding import Severity
from diag.model.gaps import Confidence
from diag.testing.xspace_builder import build_space
from tests.unit.analysis.traces import analyzed

UNKNOWN = Unavailable("not sampled")
QUIET = "line idle\n  Something 0..2000000us\n"
RAN = """
line caller/3
  FunctionRun 0..5us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 10..134us _c=1
"""
CUT_BATCH = """
line grpc-1
  BatchingSessionRun 0..1000us
    ScheduleOutputTask 1..2us size=1 _p=100
"""
PARTS = "line grpc-1\n  ScheduleOutputTask 1..2us size=1 _p=100\n  Something 0..9ms\n"
POLLS = "line batch_threads_/1\n  BatchTask::empty 0..1us\n  BatchTask::empty 999..1000ms\n"


def answers(**by_status: int) -> ModelMetrics:
    return ModelMetrics("m", by_status, UNKNOWN, UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    ("text", "metrics", "says", "confidence", "severity"),
    [
        (QUIET, UNKNOWN, "no demand, or this is not", Confidence.MEDIUM, Severity.INFO),
        (QUIET, (answers(),), "there was no demand.", Confidence.HIGH, Severity.INFO),
        # What idle batch threads of a server leave.
        (POLLS, UNKNOWN, "there was no demand.", Confidence.MEDIUM, Severity.INFO),
        (RAN, UNKNOWN, "Something ran in the 134 µs recorded", Confidence.LOW, Severity.WARNING),
        (
            PARTS,
            UNKNOWN,
            "parts of 1 request and 1 batch were seen",
            Confidence.HIGH,
            Severity.WARNING,
        ),
        (CUT_BATCH, UNKNOWN, "1 request began and ended", Confidence.HIGH, Severity.WARNING),
        # Status probes are answered too, so OK answers alone do not tell.
        (QUIET, (answers(OK=4),), "no demand, or this is not", Confidence.MEDIUM, Severity.INFO),
    ],
)
def test_no_request_in_the_trace(
    text: str,
    metrics: tuple[ModelMetrics, ...] | Unavailable,
    says: str,
    confidence: Confidence,
    severity: Severity,
) -> None:
    (finding,) = find(replace(analyzed(text), metrics=metrics))
    assert finding.id == "no-requests"
    assert says in finding.what
    assert (finding.confidence, finding.severity) == (confidence, severity)


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ((answers(NOT_FOUND=3), answers(INVALID_ARGUMENT=1)), "Every request failed: "),
        ((answers(OK=4, NOT_FOUND=3), answers(INVALID_ARGUMENT=1)), "50% of requests failed: "),
    ],
)
def test_failures_that_only_the_metrics_count_are_not_called_a_lack_of_demand(
    metrics: tuple[ModelMetrics, ...], says: str
) -> None:
    (finding,) = find(replace(analyzed(QUIET), metrics=metrics))
    assert finding.id == "requests-failed"
    assert finding.what.startswith(says)
    assert finding.confidence is Confidence.MEDIUM


@pytest.mark.parametrize("text", [QUIET, CUT_BATCH])
def test_the_exit_status_says_that_no_complete_request_was_recorded(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "a.xplane.pb"
    trace.write_bytes(build_space(f"plane /host:CPU\n{text}"))
    assert main(["analyze", str(trace)]) == EmptyCaptureError.exit_code
    assert "[no-requests]" in capsys.readouterr().out
