"""Findings about loops beside other threads: pools, handlers of servers, and loops side by side."""

from __future__ import annotations

import pytest

from diag.findings import find
from diag.model.loops import FunctionPlace
from tests.unit.analysis.loops.programs import (
    COLLECTING,
    IN_POOL,
    LOADING,
    POOL_WAITS,
    READING,
    analyzed_program,
    both,
    eager,
    every_ms,
)


def found(analysis, rule):
    """What one rule finds, or None."""
    return next((each for each in find(analysis) if each.id == rule), None)


@pytest.mark.parametrize(
    ("cpu", "says", "advice"), [(0.0, "it waits", "more workers"), (0.9, "it computes", "faster")]
)
def test_a_loop_that_waits_for_its_pool_names_the_pools_function(cpu, says, advice):
    """A worker that waits for work is no part of the function's share."""
    loop = every_ms(52_000, COLLECTING)
    pool = both(every_ms(52_000, IN_POOL, line=98, cpu=cpu), every_ms(52_000, POOL_WAITS, line=99))
    analysis = analyzed_program(eager(5, 10_000), both(loop, pool))
    assert found(analysis, "synchronous-preprocessing") is None
    finding = found(analysis, "device-idle-between-calls")
    assert "95.7% of the loop's time it waits for results of its own pool" in finding.what
    assert f"the pool is mostly in serve.py:10 load ({says}" in finding.what
    assert advice in finding.remedies[0].action
    assert finding.rollback == "Undo the change of the program."
    (function,) = [f for f in analysis.loops.functions if f.place is FunctionPlace.POOL]
    assert (function.share, function.samples) == (1.0, 52)


def test_threads_that_wait_side_by_side_are_to_be_more():
    text = eager(5, 10_000)
    second = text.replace("plane /host:CPU\n", "").replace("id=77", "id=5")
    samples = both(every_ms(52_000, LOADING), every_ms(52_000, LOADING, line=5))
    finding = found(analyzed_program(f"{text}\n{second}", samples), "synchronous-preprocessing")
    assert "on more threads (2 now): each waits in serve.py" in finding.remedies[0].action
    assert finding.gain.reason == "several threads run iterations at a time already"


def test_reading_requests_is_no_preparation():
    analysis = analyzed_program(eager(5, 10_000), every_ms(52_000, READING))
    (finding,) = find(analysis)
    assert "95.7% of the loop's time it reads requests from their connections" in finding.what
    assert finding.remedies == ()


def test_a_pool_that_runs_the_loops_themselves_is_not_named():
    samples = every_ms(52_000, IN_POOL)
    functions = analyzed_program(eager(5, 10_000), samples).loops.functions
    assert [f.place for f in functions] == [FunctionPlace.LOOP]
