"""Simulated GPU servers with planted causes: why GPUs idle, and where requests spend their time.

The truth is the simulated server's own state, kept with its events. ``python -m benchmarks
planted`` writes the shares into docs/accuracy.md.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scoring import Score, score, stage_errors
from diag.analysis import analyze
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.gaps import IdleCause
from diag.model.serving import STAGES, Stage
from diag.testing.gpu_server import (
    MIXED,
    SCENARIOS,
    SINGLE_CAUSE,
    Scenario,
    Simulated,
    simulate,
)
from tests.unit.analysis.traces import tiles_exactly

SEEDS = range(4)


def scored(scenario: Scenario) -> Score:
    """All seeds together; each analysis also adds up."""
    scores = []
    for seed in SEEDS:
        run = simulate(scenario.plan, seed)
        analysis = analyze(run.capture())
        assert tiles_exactly(analysis)
        scores.append(score(run, analysis))
    total = scores[0]
    for each in scores[1:]:
        total = total.plus(each)
    return total


def without_parameters(run: Simulated) -> Capture:
    return replace(run.capture(), batching_parameters=Unavailable("not recorded"))


def wrong(total: Score) -> dict[str, str]:
    """Causes assigned by mistake, for the message of a failure."""
    return {
        f"{true.value} called {assigned.value}": f"{ns / total.idle_ns:.2%}"
        for (true, assigned), ns in total.assigned_ns.most_common()
        if true is not assigned
    }


@pytest.mark.parametrize("scenario", SINGLE_CAUSE, ids=lambda scenario: scenario.name)
def test_a_planted_cause_is_found_for_95_percent_of_idle_time(scenario: Scenario) -> None:
    total = scored(scenario)
    assert scenario.planted is not None
    assert total.true_ratio(scenario.planted) > 0.75
    assert total.correct_ratio >= 0.95, wrong(total)
    # What happens before a request's first event is guessed from a mean, and so never exact.
    if scenario.planted is not IdleCause.INGRESS:
        assert total.false_starvation_ns == 0, wrong(total)
        assert total.lost_demand_ns == 0, wrong(total)


@pytest.mark.parametrize("scenario", MIXED, ids=lambda scenario: scenario.name)
def test_lack_of_demand_is_never_taken_for_starvation_nor_the_reverse(scenario: Scenario) -> None:
    total = scored(scenario)
    assert total.true_ratio(IdleCause.NO_DEMAND) > 0.1
    assert total.false_starvation_ns == 0, wrong(total)
    assert total.lost_demand_ns == 0, wrong(total)
    assert total.correct_ratio >= 0.9, wrong(total)


# A stall that outlasts the window leaves nothing in it; what precedes a request never does.
STALLS = (IdleCause.COLD_START, IdleCause.MODEL_LOAD, IdleCause.THROTTLED, IdleCause.INGRESS)
CUT = [each for each in SINGLE_CAUSE if each.planted not in STALLS]


@pytest.mark.parametrize("scenario", CUT, ids=lambda scenario: scenario.name)
def test_requests_cut_by_the_window_are_demand_all_the_same(scenario: Scenario) -> None:
    whole = scenario.plan.duration_ns
    window = (whole * 23 // 100, whole * 81 // 100)
    total = scored(replace(scenario, plan=replace(scenario.plan, window=window)))
    assert total.false_starvation_ns == 0, wrong(total)
    # Some microseconds before its enqueue, and while it wakes, a request leaves nothing at an edge.
    assert total.lost_demand_ns < 10_000 * len(SEEDS), wrong(total)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_requests_are_tiled_as_the_server_saw_them(scenario: Scenario) -> None:
    run = simulate(scenario.plan, seed=7)
    analysis = analyze(run.capture())
    errors = stage_errors(run, analysis)
    assert analysis.counts.complete == len(analysis.requests) > 0
    assert max(map(abs, errors.values())) < 0.1, errors


def test_copies_from_memory_that_is_not_pinned_are_where_requests_spend_their_time() -> None:
    run = simulate(SCENARIOS["transfer"].plan, seed=7)
    analysis = analyze(without_parameters(run))
    assert STAGES[analysis.requests.stage_ns.sum(axis=0).argmax()] is Stage.TRANSFER_IN


def test_without_a_parameters_file_causes_are_as_right() -> None:
    for scenario in SINGLE_CAUSE:
        run = simulate(scenario.plan, seed=3)
        total = score(run, analyze(without_parameters(run)))
        assert total.correct_ratio >= 0.93, (scenario.name, wrong(total))


@pytest.mark.parametrize("late_ns", [-40_000, 60_000])
def test_a_device_clock_that_is_off_makes_no_starvation(late_ns: int) -> None:
    """Device and host clocks are matched once, with some error."""
    scenario = SCENARIOS["no-demand"]
    total = scored(replace(scenario, plan=replace(scenario.plan, device_clock_ns=late_ns)))
    assert total.false_starvation_ns == 0, wrong(total)
    assert total.correct_ratio >= 0.95, wrong(total)
