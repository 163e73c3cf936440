"""What holds of the findings of every capture, whatever is wrong with its server."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.findings.metrics import measure
from diag.findings.verdict import HEALTHY
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.finding import Gain, Severity, Tier
from diag.model.gaps import IDLE_CAUSES, Confidence
from diag.model.serving import STAGES, StageGroup
from diag.testing.gpu_server import Plan, simulate
from diag.testing.gpu_server.models import ALONE, NET, SESSION
from diag.testing.gpu_server.plan import MS, US, Load, queue
from tests.property.captures import BUNDLES, NAMES, answer, capture_named

# What a finding may be about where requests wait for their input: idle time and stages of that.
STARVATION = {cause.value for cause in IDLE_CAUSES if cause.is_starvation} | {
    stage.value for stage in STAGES if stage.group in (StageGroup.QUEUEING, StageGroup.BATCHING)
}
SOURCES = ("metrics", "host_samples", "gpu_samples", "batching_parameters", "server")


def test_there_are_captures_of_every_kind() -> None:
    assert len(NAMES) >= 60
    assert len(BUNDLES) >= 20
    verdicts = {conclude(*answer(name)).id for name in NAMES if name.startswith("simulated/")}
    assert {HEALTHY, "no-demand"} < verdicts
    assert len(verdicts) >= 18
    assert {name.split("/")[0] for name in NAMES} == {"sample_traces", "simulated", "tests"}


@pytest.mark.parametrize("name", NAMES)
def test_findings_are_unique_and_ranked_by_what_they_give_back(name: str) -> None:
    """By tier, then ms of a request or of a second of the device, then id."""
    findings = answer(name)[1]
    assert len({finding.id for finding in findings}) == len(findings)
    keys = [(finding.tier, -finding.at_stake_ns, finding.id) for finding in findings]
    assert keys == sorted(keys)


@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_server_has_nothing_to_change(name: str) -> None:
    analysis, findings = answer(name)
    if conclude(analysis, findings).id == HEALTHY:
        assert {finding.severity for finding in findings} <= {Severity.INFO}


@pytest.mark.parametrize("name", NAMES)
def test_a_server_without_demand_is_not_starved(name: str) -> None:
    """The truth is the idle time itself: where no-demand leads, starvation is the smaller part."""
    analysis, findings = answer(name)
    if conclude(analysis, findings).id != "no-demand" or not findings:
        return
    assert not [f.id for f in findings if f.severity is not Severity.INFO and f.cause in STARVATION]
    for gaps in analysis.idle:
        assert gaps.starved_ns <= gaps.no_demand_ns


@settings(max_examples=12, deadline=None)
@given(
    period_ms=st.integers(12, 40),
    host_us=st.integers(0, 200),
    is_batched=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_no_load_that_a_server_answers_at_once_is_called_starvation(
    period_ms: int, host_us: int, is_batched: bool, seed: int
) -> None:
    """Evenly spaced requests, each answered long before the next: the GPU only lacks demand."""
    base = replace(SESSION, batching=queue(8, 0)) if is_batched else ALONE
    ops = (replace(NET[1], name="host:MatMul", host_ns=host_us * US, calls=()), *NET)
    model = replace(base, ops=ops, load=Load(period_ns=period_ms * MS))
    analysis = analyze(simulate(Plan((model,), duration_ns=600 * MS), seed).capture())
    findings = find(analysis)
    assert [finding.id for finding in findings] == ["no-demand"]
    for gaps in analysis.idle:
        assert gaps.starved_ns < gaps.no_demand_ns / 4


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_change_is_not_said_next_to_a_change(name: str) -> None:
    calm = [f for f in answer(name)[1] if f.tier is Tier.CAPACITY and f.severity is Severity.INFO]
    assert calm == list(answer(name)[1][:1]) or not calm


@pytest.mark.parametrize("name", NAMES)
def test_a_gain_is_between_nothing_and_all_of_what_was_measured(name: str) -> None:
    analysis, findings = answer(name)
    for finding in findings:
        if not isinstance(finding.gain, Gain):
            assert finding.gain.reason
            continue
        gain = finding.gain
        assert 0 <= gain.low <= gain.high, finding.id
        assert gain.low <= gain.now or gain.metric == "throughput", finding.id
        measured = measure(analysis, gain.metric)
        assert not isinstance(measured, Unavailable)
        assert gain.now == pytest.approx(measured), finding.id


OUTSIDE = ("ingress-heavy", "egress-heavy")


def _outside_ns(analysis: Analysis) -> float:
    """The longest mean outside of Session::Run of any model."""
    models = () if isinstance(analysis.metrics, Unavailable) else analysis.metrics
    known = [m.outside_mean_ns for m in models if not isinstance(m.outside_mean_ns, Unavailable)]
    return max(known, default=0.0)


@pytest.mark.parametrize("name", NAMES)
def test_no_request_gets_back_more_than_it_takes(name: str) -> None:
    analysis, findings = answer(name)
    mean_ns = measure(analysis, "latency.mean")
    for finding in findings:
        assert math.isfinite(finding.at_stake_ns)
        assert finding.at_stake_ns >= 0
        if finding.tier is Tier.REQUEST_TIME and not isinstance(mean_ns, Unavailable):
            # A request's time is Session::Run's; what receives and sends it lies outside, where
            # the server's metrics measure it.
            outside_ns = _outside_ns(analysis) if finding.id in OUTSIDE else 0.0
            assert finding.at_stake_ns <= (mean_ns + outside_ns) * 1.001, finding.id


@pytest.mark.parametrize("name", NAMES)
def test_evidence_is_finite_and_ratios_are_ratios(name: str) -> None:
    for finding in answer(name)[1]:
        assert finding.evidence or finding.tier in (Tier.VISIBILITY, Tier.CAPACITY), finding.id
        for item in finding.evidence:
            if isinstance(item.value, str):
                continue
            assert math.isfinite(item.value), item
            assert item.value >= 0, item
            if item.unit == "ratio" and "score" not in item.name:
                assert item.value <= 1.0 + 1e-9, item


@pytest.mark.parametrize("name", BUNDLES)
def test_fewer_sources_never_make_diag_surer(name: str) -> None:
    """A source that is taken away may hide a finding or leave another one, but not a sure one.

    What leads then and was not found with all sources contradicts them: with high confidence it
    would be wrong. A calm answer must not replace another one so.
    """
    capture = capture_named(name)
    findings = answer(name)[1]
    known = {finding.id for finding in findings}
    for source in SOURCES:
        if isinstance(getattr(capture, source), Unavailable):
            continue
        fewer = replace(capture, **{source: Unavailable("taken away")})
        left = find(analyze(fewer))
        for finding in left:
            if finding.id not in known:
                assert finding.confidence is not Confidence.HIGH, (source, finding)


def test_the_sources_that_are_taken_away_exist() -> None:
    assert set(SOURCES) <= {field.name for field in fields(Capture)}
