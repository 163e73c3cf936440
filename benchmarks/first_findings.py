"""Planted causes against the first finding: how often diag names what was planted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from diag.demo.comparison import Comparison
    from diag.demo.scenario import Scenario

HEADS = ("scenario", "planted", "first finding", "right", "largest stage / idle cause")


def first_findings(runs: Mapping[Scenario, Sequence[Comparison]]) -> str:
    """The table, and how many runs are right, as Markdown."""
    rows = [_row(scenario, found) for scenario, found in runs.items()]
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    every = [run for found in runs.values() for run in found]
    right = sum(run.is_verdict_right for run in every)
    return f"Right: {right} of {len(every)} runs ({right / len(every):.0%}).\n\n{table}"


def _row(scenario: Scenario, found: Sequence[Comparison]) -> tuple[str, ...]:
    return (
        scenario.name,
        " or ".join(f"`{id_}`" for id_ in scenario.findings),
        _counted(f"`{run.first}`" for run in found),
        f"{sum(run.is_verdict_right for run in found)} of {len(found)}",
        _counted(f"{run.largest_stage or 'none'} / {run.largest_gap or 'none'}" for run in found),
    )


def _counted(texts: Iterable[str]) -> str:
    """Each text once, the most frequent first, with its number where there are several."""
    counted = Counter(texts).most_common()
    if len(counted) == 1:
        return counted[0][0]
    return ", ".join(f"{text} ({number})" for text, number in counted)
