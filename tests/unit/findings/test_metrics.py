"""Metrics by name: exact values on a small trace, and reasons where there is no value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.findings import find
from diag.findings.metrics import check, measure, unit_of
from diag.model.availability import Unavailable
from diag.model.gaps import IDLE_CAUSES
from diag.model.serving import STAGES
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import IDLE_END, sessions
from tests.unit.findings.servers import TOLD as ONE_ROW

TOLD = replace(ONE_ROW, allowed_batch_sizes=(4, 8))
# 12 requests of 2.5 ms, one every 5 ms; each waits 2 ms for the timeout and runs 0.29 ms.
SERVER = sessions(12, taken=2100, run=(2110, 2400), end=2500, period=5000, padded=4)


@pytest.mark.parametrize(
    ("metric", "unit", "value"),
    [
        ("latency.mean", "ns", 2_500_000),
        ("latency.p50", "ns", 2_500_000),
        ("stage.queue-fill.mean", "ns", 2_000_000),
        ("stage.queue-fill.p50", "ns", 2_000_000),
        ("batches.rows_mean", "rows", 1),
        ("batches.padding", "ratio", 0.75),
        ("batches.service.mean", "ns", 395_000),
        ("requests.complete", "requests", 12),
        ("device.planes", "planes", 0),
    ],
)
def test_a_metric_has_its_value_and_unit(metric: str, unit: str, value: float) -> None:
    assert measure(analyzed(SERVER, TOLD), metric) == pytest.approx(value)
    assert unit_of(metric) == unit


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("latency.p99", "12 samples, 100 needed"),
        ("device.kernels_per_request", "no model has device work"),
        ("device.bytes_in_per_request", "no model has device work"),
        ("samples.disagreements", "no GPU was sampled"),
    ],
)
def test_a_metric_without_a_value_says_why(metric: str, reason: str) -> None:
    assert measure(analyzed(SERVER, TOLD), metric) == Unavailable(reason)


def test_idle_and_busy_cover_the_window() -> None:
    analysis = analyzed(SERVER + IDLE_END.format(70_000), TOLD)
    idle = [measure(analysis, f"idle.{cause.value}") for cause in IDLE_CAUSES]
    busy = measure(analysis, "device.busy")
    total = sum(ratio for ratio in (*idle, busy) if not isinstance(ratio, Unavailable))
    assert total == pytest.approx(1)


def test_stages_cover_the_request() -> None:
    analysis = analyzed(SERVER, TOLD)
    stages = [measure(analysis, f"stage.{stage.value}.mean") for stage in STAGES]
    total = sum(value for value in stages if not isinstance(value, Unavailable))
    assert total == pytest.approx(2_500_000)


@pytest.mark.parametrize("metric", ["", "latency", "latency.p95", "stage.x.mean", "idle.x", "nope"])
def test_an_unknown_metric_is_an_error(metric: str) -> None:
    with pytest.raises(KeyError):
        measure(analyzed(SERVER, TOLD), metric)
    with pytest.raises(KeyError):
        unit_of(metric)


def test_without_requests_latency_is_unavailable() -> None:
    analysis = analyzed("line idle\n  Something 0..2000000us\n")
    assert isinstance(measure(analysis, "latency.mean"), Unavailable)
    assert isinstance(measure(analysis, "batches.rows_mean"), Unavailable)


def test_checks_hold_what_was_measured() -> None:
    analysis = analyzed(SERVER, TOLD)
    made = check(analysis, "latency.mean", high=1e6)
    assert (made.now, made.low, made.high, made.unit) == (2_500_000, None, 1e6, "ns")
    for finding in find(analysis):
        for each in finding.verify:
            assert measure(analysis, each.metric) == each.now
            assert unit_of(each.metric) == each.unit
