"""The order of findings: by tier, then by the time they give back."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.findings.ranking import rank
from diag.findings.rules import RULES
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Severity, Tier
from diag.model.gaps import Confidence
from diag.testing.gpu_server import SCENARIOS, SINGLE_CAUSE, simulate
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.servers import AT_ONCE, sessions

FINDING = Finding(
    id="a",
    cause="a",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    confidence_reason="",
    what="",
    evidence=(),
    counter_evidence=(),
    remedies=(),
    gain=Unavailable("not computed"),
    verify=(),
    rollback="",
    tier=Tier.REQUEST_TIME,
    at_stake_ns=1.0,
)


def test_any_order_of_rules_gives_the_same_ranking() -> None:
    findings = (
        replace(FINDING, id="disturbance", tier=Tier.DISTURBANCE, at_stake_ns=1),
        replace(FINDING, id="large", at_stake_ns=9e6),
        replace(FINDING, id="small", at_stake_ns=2e6),
        replace(FINDING, id="unseen", tier=Tier.VISIBILITY, at_stake_ns=9e9),
        replace(FINDING, id="device", tier=Tier.DEVICE_TIME, at_stake_ns=5e8),
        replace(FINDING, id="tie-a", tier=Tier.CAPACITY, at_stake_ns=0),
        replace(FINDING, id="tie-b", tier=Tier.CAPACITY, at_stake_ns=0),
    )
    expected = [finding.id for finding in findings]
    for shuffled in permutations(findings):
        assert [finding.id for finding in rank(shuffled)] == expected


def test_rules_are_named_after_their_modules() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        assert rule.find.__module__ == f"diag.findings.rules.{rule.id.replace('-', '_')}"


def test_every_rule_has_a_case_that_fires() -> None:
    """By its id in a test, or as a cause planted in a simulated server."""
    here = Path(__file__).parent
    texts = "".join(path.read_text() for path in here.glob("test_*.py"))
    planted = {
        find(analyze(simulate(scenario.plan, seed=2).capture()))[0].id for scenario in SINGLE_CAUSE
    }
    unseen = [rule.id for rule in RULES if f'"{rule.id}"' not in texts and rule.id not in planted]
    assert unseen == []


def test_a_finding_names_its_page() -> None:
    assert FINDING.docs == "docs/findings/a.md"


def test_time_that_a_disturbance_took_is_not_found_again_in_the_stages_it_stopped() -> None:
    """Throttling stops requests in preprocessing; the others hardly preprocess."""
    (throttled,) = (scenario for scenario in SINGLE_CAUSE if scenario.name == "throttled")
    findings = find(analyze(simulate(throttled.plan, seed=3).capture()))
    assert findings[0].id == "cpu-throttled"
    assert "preprocessing-in-graph" not in [finding.id for finding in findings]


def test_first_runs_that_compile_are_not_called_launch_bound() -> None:
    (cold,) = (scenario for scenario in SINGLE_CAUSE if scenario.name == "cold-start")
    findings = find(analyze(simulate(cold.plan, seed=3).capture()))
    assert findings[0].id == "cold-start"
    assert "launch-bound" not in [finding.id for finding in findings]


def test_spare_capacity_is_not_found_next_to_what_has_to_be_changed() -> None:
    analysis = analyze(simulate(SCENARIOS["kernel-time-unstable"].plan, seed=3).capture())
    findings = find(analysis)
    assert [finding.id for finding in findings] == ["kernel-time-unstable"]
    assert "with no open request" in conclude(analysis, findings).device


def test_findings_are_computed_once_for_an_analysis_and_forgotten_with_it() -> None:
    analysis = analyzed(sessions(40), AT_ONCE)
    assert find(analysis) is find(analysis)
    analysis_ref = weakref.ref(analysis)
    del analysis
    gc.collect()
    assert analysis_ref() is None
