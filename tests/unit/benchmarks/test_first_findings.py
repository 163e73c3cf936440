"""The table of planted causes against first findings."""

from __future__ import annotations

from benchmarks.first_findings import first_findings
from diag.demo.comparison import Comparison
from diag.demo.scenarios import SCENARIOS

IN_QUEUE = "queue-fill / no-demand"


def run_of(scenario: str, first: str, stage: str = "queue-fill") -> Comparison:
    planted = SCENARIOS[scenario].findings
    return Comparison("dense", 90, 90, 90, (), 4e7, planted, first, stage, "no-demand")


def test_misses_are_counted_and_shown() -> None:
    text = first_findings(
        {
            SCENARIOS["healthy"]: [run_of("healthy", "no-demand", "compute")] * 2,
            SCENARIOS["batch-timeout"]: [
                run_of("batch-timeout", "batch-timeout-dominates"),
                run_of("batch-timeout", "healthy", "compute"),
                run_of("batch-timeout", "batch-timeout-dominates"),
            ],
        }
    )
    timeout = "`batch-timeout-dominates`"
    assert text.splitlines() == [
        "Right: 4 of 5 runs (80%).",
        "",
        "| scenario | planted | first finding | right | largest stage / idle cause |",
        "| --- | --- | --- | --- | --- |",
        "| healthy | `healthy` or `no-demand` | `no-demand` | 2 of 2 | compute / no-demand |",
        (
            f"| batch-timeout | {timeout} | {timeout} (2), `healthy` (1) | 2 of 3 "
            f"| {IN_QUEUE} (2), compute / no-demand (1) |"
        ),
    ]
