"""Captures of the demo with their truth: the same numbers on every machine."""

from __future__ import annotations

import pytest

from diag.analysis import analyze
from diag.demo.comparison import Comparison, compare
from diag.demo.replay import settings_from_facts
from diag.demo.scenarios import SCENARIOS
from diag.demo.truth import read_truth
from diag.findings import conclude, find
from diag.formats.source import open_bundle
from diag.model.serving import Stage
from tests.conftest import sample_path

STAGES = {"slow-preprocess": Stage.PREPROCESS, "batch-timeout": Stage.QUEUE_FILL}
NAMES = tuple(STAGES)


def compared(name: str) -> Comparison:
    folder = sample_path(f"demo-{name}")
    analysis = analyze(open_bundle(folder / "bundle.zip"))
    facts, truths = read_truth(folder / "truth.json")
    scenario = SCENARIOS[name]
    settings = settings_from_facts(facts, scenario.victim)
    assert settings is not None
    first = conclude(analysis, find(analysis)).id
    return compare(analysis, truths, scenario=scenario, settings=settings, first=first)


@pytest.mark.parametrize("name", NAMES)
def test_every_request_of_the_window_is_found_in_the_truth(name: str) -> None:
    found = compared(name)
    assert found.expected >= 80
    assert abs(found.matched - found.expected) <= 0.02 * found.expected


@pytest.mark.parametrize("name", NAMES)
def test_every_group_and_wait_agrees_with_the_clocks(name: str) -> None:
    lines = compared(name).lines
    assert [line.name for line in lines] == [
        "start",
        "preprocess",
        "queue",
        "compute",
        "rest",
        "queue: fill",
        "queue: thread",
        "queue: dispatch",
    ]
    assert [line for line in lines if not line.is_within] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_planted_cause_is_found_and_said(name: str) -> None:
    found = compared(name)
    assert found.largest_stage == STAGES[name].value
    assert found.is_verdict_right
