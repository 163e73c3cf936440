"""The table of planted causes against first findings."""

from __future__ import annotations

from benchmarks.first_findings import first_findings
from diag.demo.comparison import Comparison
from diag.demo.scenarios import SCENARIOS

ROW = (
    "| batch-timeout | `batch-timeout-dominates` | `batch-timeout-dominates` (2), `healthy` (1) "
    "| 2 of 3 | 2 | queue-fill / no-demand (2), compute / no-demand (1) |"
)


def run_of(
    scenario: str, first: str, stage: str = "queue-fill", *, has_neighbours: bool = False
) -> Comparison:
    planted = SCENARIOS[scenario].findings
    return Comparison(
        "dense", 90, 90, 90, (), 4e7, planted, first, stage, "no-demand", has_neighbours
    )


def test_misses_are_counted_and_shown() -> None:
    text = first_findings(
        {
            SCENARIOS["healthy"]: [run_of("healthy", "no-demand", "compute")] * 2,
            SCENARIOS["batch-timeout"]: [
                run_of("batch-timeout", "batch-timeout-dominates"),
                run_of("batch-timeout", "healthy", "compute", has_neighbours=True),
                run_of("batch-timeout", "batch-timeout-dominates"),
            ],
        }
    )
    assert text.splitlines() == [
        (
            "Right: 4 of 5 (80%) runs. Of those in which no other program took much of a full CPU: "
            "4 of 4 (100%)."
        ),
        "",
        "| scenario | planted | first finding | right | undisturbed | largest stage / idle cause |",
        "| --- | --- | --- | --- | --- | --- |",
        "| healthy | `healthy` or `no-demand` | `no-demand` | 2 of 2 | 2 | compute / no-demand |",
        ROW,
    ]


def test_neighbours_that_were_planted_disturb_nothing() -> None:
    run = run_of("noisy-neighbour", "other-processes-on-cpu", has_neighbours=True)
    text = first_findings({SCENARIOS["noisy-neighbour"]: [run]})
    assert "took much of a full CPU: 1 of 1 (100%)." in text


def test_without_an_undisturbed_run_no_share_is_given() -> None:
    run = run_of("healthy", "other-processes-on-cpu", has_neighbours=True)
    text = first_findings({SCENARIOS["healthy"]: [run]})
    assert text.startswith("Right: 0 of 1 (0%) runs. Of those in which no other program took")
    assert "of a full CPU: 0 of 0.\n" in text
