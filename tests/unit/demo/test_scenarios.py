from __future__ import annotations

import re
from pathlib import Path

import pytest

from diag.demo.scenario import Scenario
from diag.demo.scenarios import SCENARIOS
from diag.findings.rules import FAILURE_RULES, RULES
from diag.findings.verdict import HEALTHY
from diag.formats.text.batching_parameters import parse_batching_parameters

NAMES = [
    "healthy",
    "no-demand",
    "batch-timeout",
    "short-timeout",
    "few-callers",
    "unshared-batches",
    "padding",
    "sparse-sizes",
    "split",
    "giant-batches",
    "one-batch-thread",
    "burst",
    "few-threads",
    "unbatched-overload",
    "two-models",
    "slow-preprocess",
    "row-loop",
    "lock",
    "number-lists",
    "wide-answers",
    "few-handlers",
    "queue-overflow",
    "large-requests",
    "short-deadline",
    "cpu-saturated",
    "crowded-cores",
    "noisy-neighbour",
]
OF_SERVERS = {rule.id for rule in (*RULES, *FAILURE_RULES)}


def test_the_scenarios_are_all_there() -> None:
    assert list(SCENARIOS) == NAMES


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda s: s.name)
def test_a_scenario_is_whole(scenario: Scenario) -> None:
    models = {model.name for model in scenario.models}
    assert scenario.victim in models
    assert {stream.model for stream in scenario.streams} == models
    assert set(scenario.findings) <= OF_SERVERS | {HEALTHY}
    assert scenario.planted == scenario.findings[0]
    assert 500_000_000 <= scenario.duration_ns <= 10_000_000_000
    assert scenario.story.endswith(".")
    assert len(scenario.story) <= 90


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda s: s.name)
def test_only_a_scenario_of_too_large_requests_sends_more_rows_than_a_batch_may_have(
    scenario: Scenario,
) -> None:
    limits = {
        model.name: parse_batching_parameters(model.batching, for_function=True).max_batch_size
        for model in scenario.models
        if model.batching is not None
    }
    larger = [
        rows
        for stream in scenario.streams
        for rows in stream.rows
        if rows > (limits.get(stream.model) or rows)
    ]
    assert bool(larger) == (scenario.planted == "request-too-large")


def test_no_cause_without_a_change_is_planted_twice() -> None:
    assert [s.name for s in SCENARIOS.values() if s.planted == HEALTHY] == ["healthy"]
    assert [s.name for s in SCENARIOS.values() if s.planted == "no-demand"] == ["no-demand"]


def test_only_what_needs_it_names_models_in_the_trace() -> None:
    assert [s.name for s in SCENARIOS.values() if s.session_metadata] == ["two-models"]


def test_the_page_names_every_scenario_with_the_findings_that_are_right() -> None:
    page = (Path(__file__).parents[3] / "docs" / "demo.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \| .* \|$", page.partition("## Scenarios")[2], re.M)
    assert [name for name, _ in rows] == NAMES
    for name, findings in rows:
        linked = tuple(re.findall(r"\(findings/([\w-]+)\.md\)", findings))
        expected = SCENARIOS[name].findings
        assert linked == tuple(id_ for id_ in expected if id_ != HEALTHY)
        assert (f"`{HEALTHY}`" in findings) == (HEALTHY in expected)
