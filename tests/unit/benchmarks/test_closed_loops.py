"""The table of the closed loop, misses included."""

from __future__ import annotations

from benchmarks.closed_loops import NAMES, Result, misses, row
from diag.demo.scenarios import SCENARIOS

GOOD = Result("timeout 40 → 0", 40e6, 8e6, "better", "mean latency 40.0 ms → 7.00 to 13.0 ms")
SHORT = Result("timeout 40 → 0", 44e6, 11e6, "better", GOOD.promised, "less came")
NOTHING = Result("nothing", failure="the demo cannot apply it: Add a replica")


def test_a_row_has_the_medians_and_what_was_kept() -> None:
    assert row("batch-timeout", [GOOD, SHORT, GOOD]) == (
        "`batch-timeout`",
        "timeout 40 → 0",
        "40.0 ms → 8.00 ms (-80% to -75%)",
        "3 of 3",
        GOOD.promised,
        "2 of 3",
    )
    assert misses("batch-timeout", [GOOD, SHORT, GOOD]) == ["`batch-timeout`, run 2: less came"]


def test_a_loop_that_changed_nothing_is_a_miss() -> None:
    assert row("burst", [NOTHING]) == ("`burst`", "nothing", "-", "0 of 1", "nothing", "-")
    assert misses("burst", [NOTHING]) == [f"`burst`, run 1: {NOTHING.failure}"]


def test_the_loops_are_of_scenarios() -> None:
    assert set(NAMES) <= set(SCENARIOS)
