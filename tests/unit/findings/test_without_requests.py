"""What is said of a capture without a complete request, and how sure it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis.samples.metrics import ModelMetrics
from diag.findings import find
from diag.model.availability import Unavailable
from diag.model.finding import Severity
from diag.model.gaps import Confidence
from tests.unit.analysis.traces import analyzed

UNKNOWN = Unavailable("not sampled")
QUIET = "line idle\n  Something 0..2000000us\n"
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
