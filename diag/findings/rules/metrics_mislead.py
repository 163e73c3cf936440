"""The server's metrics page does not say what it seems to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.sources import METRICS
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import Confidence
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration, number

if TYPE_CHECKING:
    from diag.analysis.samples.metrics import ModelMetrics
    from diag.findings.inputs import RuleInputs

ID = "metrics-mislead"
NEEDS = (METRICS,)


def find(inputs: RuleInputs) -> Finding | None:
    """Sums whose digits are lost, or runs that no client asked for among the counted ones.

    Source: the page prints numbers with six digits (``StrAppend`` of a double, util/prometheus_
    exporter.cc, tensorflow/serving 9d981c5c; tests/recordings/live/digits.zip); runs of a warm-up
    are counted in runtime_latency as any other (tests/recordings/README.md).
    """
    metrics = inputs.analysis.metrics
    if isinstance(metrics, Unavailable):
        return None
    told = [(each, text) for each in metrics for text in _traps(each)]
    if not told:
        return None
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.INFO,
        confidence=Confidence.HIGH,
        confidence_reason="Read from the pages before and after the window.",
        what=" ".join(dict.fromkeys(text for _, text in told)),
        evidence=tuple(item for each in metrics for item in _evidence(each)),
        counter_evidence=(
            CounterEvidence(
                "requests in the trace, which have their own times", True, "the ledger uses these"
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.MONITORING,
                "Do not alert on means of these counters over short intervals: use buckets, or "
                "longer intervals, and leave out the time of model loads.",
            ),
        ),
        gain=Unavailable("it is about what the page says, not about how the server works"),
        verify=(),
        rollback="",
        tier=Tier.NOTE,
        at_stake_ns=0.0,
    )


def _traps(metrics: ModelMetrics) -> list[str]:
    name, found = printable(metrics.model, NAME_MAX_CHARS), []
    if metrics.hidden_step_ns:
        found.append(
            f"The metrics page of the server prints the sum of latencies of {name} in steps of "
            f"{duration(metrics.hidden_step_ns)}: a mean over the window cannot be read from it."
        )
    if metrics.other_runs:
        found.append(
            f"The metrics page counts {number(metrics.other_runs)} more runs of {name} than "
            "answers, as those of a warm-up: its mean run time is not that of requests."
        )
    return found


def _evidence(metrics: ModelMetrics) -> list[Evidence]:
    where, items = Source("metrics", metrics.model), []
    if metrics.hidden_step_ns:
        items.append(Evidence("step of printed sums", metrics.hidden_step_ns, "ns", where))
    if metrics.other_runs:
        items.append(Evidence("runs without an answer", metrics.other_runs, "runs", where))
    return items
