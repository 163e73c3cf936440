"""The first finding on a simulated server is about the cause that was planted in it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.findings.rules import RULE_IDS
from diag.findings.verdict import HEALTHY
from diag.report import Report, build_report
from diag.tables.names import TABLE_NAMES
from diag.testing.gpu_server import SCENARIOS, SINGLE_CAUSE, Scenario, simulate
from tests.unit.findings.servers import unfounded_numbers

if TYPE_CHECKING:
    from diag.analysis import Analysis
    from diag.model.finding import Finding

# Where requests wait in a stage, the stage's name is the verdict's.
VERDICTS = {
    "cold-start-by-size": "cold-start",
    "cpu-fallback": "launch",
    "egress-heavy": "batch-split",
    "batch-threads-in-host-work": "queue-thread",
    "preprocess-unbatched": "preprocess",
    "sync-or-output": "batch-split",
}
PLANTED = [each for each in SCENARIOS.values() if each.finding]


def test_enough_is_planted() -> None:
    assert len(PLANTED) >= 18
    assert {each.finding for each in PLANTED} <= {*RULE_IDS, HEALTHY}
    assert len({each.finding for each in PLANTED}) >= 18


@pytest.mark.parametrize("scenario", PLANTED, ids=lambda scenario: scenario.name)
def test_the_finding_about_what_was_planted_is_the_verdict(scenario: Scenario) -> None:
    analysis, findings = answer(scenario.name)
    verdict = conclude(analysis, findings)
    assert verdict.id == scenario.finding, verdict.sentence
    assert all(finding.remedies for finding in findings[:1])
    sentence = verdict.sentence
    for model in analysis.requests.models:
        sentence = sentence.replace(model, "")  # a version is no figure
    assert not unfounded_numbers(sentence, verdict.evidence)


@pytest.mark.parametrize("scenario", SINGLE_CAUSE, ids=lambda scenario: scenario.name)
def test_the_planted_cause_is_the_verdict_and_has_a_remedy(scenario: Scenario) -> None:
    analysis, findings = answer(scenario.name)
    verdict = conclude(analysis, findings)
    assert verdict.cause == VERDICTS.get(scenario.name, scenario.name), verdict.sentence
    places = tables_of(build_report(analysis, findings))
    sources = [item.source for finding in findings for item in finding.evidence]
    assert [source for source in sources if source.table not in places] == []


@functools.lru_cache(maxsize=len(SCENARIOS))
def answer(name: str) -> tuple[Analysis, tuple[Finding, ...]]:
    """The analysis of one run of a scenario, and its findings."""
    analysis = analyze(simulate(SCENARIOS[name].plan, seed=2).capture())
    return analysis, find(analysis)


def tables_of(report: Report) -> set[str]:
    """Where evidence can be looked up: in the report, in an export, in the trace."""
    sections = {section.id for section in report.sections}
    tables = {table.id for section in report.sections for table in section.tables}
    return sections | tables | set(TABLE_NAMES) | {"trace"}
