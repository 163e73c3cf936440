"""Planted causes against the first finding: how often diag names what was planted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from diag.demo.comparison import Comparison
    from diag.demo.scenario import Scenario

HEADS = (
    "scenario",
    "planted",
    "first finding",
    "right",
    "undisturbed",
    "largest stage / idle cause",
)


def first_findings(runs: Mapping[Scenario, Sequence[Comparison]]) -> str:
    """The table, and how many runs are right, as Markdown."""
    rows = [_row(scenario, found) for scenario, found in runs.items()]
    lines = [HEADS, ("---",) * len(HEADS), *rows]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    every = [run for scenario, found in runs.items() for run in found]
    quiet = [
        run for scenario, found in runs.items() for run in found if _is_undisturbed(scenario, run)
    ]
    return (
        f"Right: {_right(every)} runs. Of those in which no other program took much of a full CPU: "
        f"{_right(quiet)}.\n\n{table}"
    )


def _right(runs: Sequence[Comparison]) -> str:
    """``3 of 4 (75%)``."""
    right = sum(run.is_verdict_right for run in runs)
    return f"{right} of {len(runs)}" + (f" ({right / len(runs):.0%})" if runs else "")


def _is_undisturbed(scenario: Scenario, run: Comparison) -> bool:
    """Whether what used the CPU was the server, or was planted."""
    return scenario.has_neighbours or not run.has_neighbours


def _row(scenario: Scenario, found: Sequence[Comparison]) -> tuple[str, ...]:
    return (
        scenario.name,
        " or ".join(f"`{id_}`" for id_ in scenario.findings),
        _counted(f"`{run.first}`" for run in found),
        f"{sum(run.is_verdict_right for run in found)} of {len(found)}",
        str(sum(_is_undisturbed(scenario, run) for run in found)),
        _counted(f"{run.largest_stage or 'none'} / {run.largest_gap or 'none'}" for run in found),
    )


def _counted(texts: Iterable[str]) -> str:
    """Each text once, the most frequent first, with its number where there are several."""
    counted = Counter(texts).most_common()
    if len(counted) == 1:
        return counted[0][0]
    return ", ".join(f"{text} ({number})" for text, number in counted)
