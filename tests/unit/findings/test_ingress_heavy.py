"""Time in which requests are received and parsed, by the server's metrics."""

from __future__ import annotations

from dataclasses import replace

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.findings.ranking import not_looked_for
from diag.model.finding import Finding, Tier
from diag.model.samples import MetricSample, MetricsPair
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.servers import TOLD, sessions, unfounded_numbers

SERVING = ":tensorflow:serving:"
OTHERS = ["batch-timeout-dominates"]
LABELS = (("model_name", "m"), ("API", "Predict"))


def page(count: int, outside_us: float, runtime_us: float) -> MetricsPair:
    """A model's page before and after ``count`` answers."""

    def at(n: int) -> tuple[MetricSample, ...]:
        values = (
            ("request_count", (("model_name", "m"), ("status", "OK")), n),
            ("request_latency_sum", LABELS, n * (runtime_us + outside_us)),
            ("request_latency_count", LABELS, n),
            ("runtime_latency_sum", LABELS, n * runtime_us),
            ("runtime_latency_count", LABELS, n),
        )
        return tuple(MetricSample(f"{SERVING}{name}", key, float(v)) for name, key, v in values)

    return MetricsPair(at(0), at(count))


def findings(outside_us: float | None) -> tuple[Finding, ...]:
    """Forty requests of 2.5 ms, one each 10 ms, that wait 2.1 ms for their batch to fill."""
    text = sessions(40, taken=2100, run=(2110, 2400), end=2500, period=10_000)
    capture = capture_of(text).with_batching_parameters(TOLD)
    if outside_us is not None:
        capture = replace(capture, metrics=page(40, outside_us, 2500))
    analysis = analyze(capture)
    found = find(analysis)
    verdict = conclude(analysis, found)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    assert ("ingress-heavy" in {each.id for each in not_looked_for(analysis)}) == (
        outside_us is None
    )
    return found


def test_receiving_that_takes_longer_than_any_wait_comes_first() -> None:
    first, second, *_ = findings(outside_us=6500)
    assert (first.id, first.tier, first.at_stake_ns) == (
        "ingress-heavy",
        Tier.REQUEST_TIME,
        6_500_000,
    )
    assert second.id == "batch-timeout-dominates"
    assert "takes 6.50 ms more outside Session::Run" in first.what


def test_receiving_that_takes_less_than_the_model_is_not_seen_in_idle_time() -> None:
    assert [each.id for each in findings(outside_us=2400)] == OTHERS


def test_without_metrics_it_is_not_looked_for() -> None:
    assert [each.id for each in findings(outside_us=None)] == OTHERS
