"""The verdict on a simulated server names the cause that was planted in it."""

from __future__ import annotations

import pytest

from diag.analysis import analyze
from diag.findings import decide
from diag.testing.gpu_server import SINGLE_CAUSE, Scenario, simulate
from tests.unit.findings.test_decide import unfounded_numbers

# Where requests wait in a stage, the stage's name is the verdict's.
VERDICTS = {
    "queue-fill": "queue-fill",
    "queue-dispatch": "queue-dispatch",
    "batch-threads-in-host-work": "queue-thread",
    "preprocess-unbatched": "preprocess",
    "queue-executor": "queue-executor",
    "sync-or-output": "batch-split",
}


@pytest.mark.parametrize("scenario", SINGLE_CAUSE, ids=lambda scenario: scenario.name)
def test_the_planted_cause_is_the_verdict_and_has_a_knob(scenario: Scenario) -> None:
    run = simulate(scenario.plan, seed=2)
    analysis = analyze(run.capture())
    verdict = decide(analysis)
    assert verdict.cause == VERDICTS.get(scenario.name, scenario.name), verdict.sentence
    assert verdict.knob
    assert not unfounded_numbers(verdict)
