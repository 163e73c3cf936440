from __future__ import annotations

import pytest

from diag.demo.scenarios import SCENARIOS, Scenario
from diag.model.gaps import IdleCause
from diag.model.serving import Stage

NAMES = [
    "healthy",
    "no-demand",
    "batch-timeout",
    "one-batch-thread",
    "slow-preprocess",
    "padding",
    "split",
    "unbatched-overload",
    "two-models",
    "burst",
]


def test_the_scenarios_are_all_there() -> None:
    assert list(SCENARIOS) == NAMES


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda s: s.name)
def test_a_scenario_is_whole(scenario: Scenario) -> None:
    models = {model.name for model in scenario.models}
    assert scenario.victim in models
    assert {stream.model for stream in scenario.streams} == models
    assert scenario.cause in {s.value for s in Stage} | {c.value for c in IdleCause}
    assert scenario.verdicts
    assert 500_000_000 <= scenario.duration_ns <= 10_000_000_000


def test_only_what_needs_it_names_models_in_the_trace() -> None:
    assert [s.name for s in SCENARIOS.values() if s.session_metadata] == ["two-models"]
