"""The outcome of a comparison in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.comparison import thresholds
from diag.comparison.result import Outcome
from diag.model.availability import Unavailable
from diag.model.quantity import duration, number, percent, quantity
from diag.report.build import server_of, title_of
from diag.report.notes import plural
from diag.report.wording.metrics import metric_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.comparison.result import Change, Comparison, SideSummary

LEVEL = percent(thresholds.LEVEL).replace(".0%", "%")
_HEADS = {
    Outcome.BETTER: "Better",
    Outcome.WORSE: "Worse",
    Outcome.MIXED: "Partly better, partly worse",
    Outcome.NO_DIFFERENCE_SEEN: "No difference can be made out",
    Outcome.NOT_COMPARABLE: "They cannot be compared",
}
# Where something besides the change differs, the latency moved, but nobody can say why.
_HEADS_UNDER_OTHER_CONDITIONS = {
    Outcome.BETTER: "Latency fell, but not under the same conditions",
    Outcome.WORSE: "Latency rose, but not under the same conditions",
    Outcome.MIXED: "Latency changed, but not under the same conditions",
}


def outcome_sentence(comparison: Comparison) -> str:
    """The outcome, what it rests on, and what speaks against comparing at all."""
    head = _HEADS[comparison.outcome]
    if comparison.outcome is Outcome.NOT_COMPARABLE:
        return f"{head}: {comparison.obstacle}."
    if any(item.differs is True and not item.of_server for item in comparison.circumstances):
        head = _HEADS_UNDER_OTHER_CONDITIONS.get(comparison.outcome, head)
    parts = [f"{head}: {'; '.join(_reasons(comparison))}."]
    if comparison.outcome is Outcome.NO_DIFFERENCE_SEEN:
        parts.append(_wanted(comparison))
    parts += [item.consequence for item in comparison.circumstances if item.differs is True]
    return " ".join(filter(None, parts))


def change_text(change: Change) -> str:
    """``p99 latency 30.6 → 12.0 ms, -61% (-70% to -52%)``."""
    name = metric_name(change.metric)
    values = f"{quantity(change.before, change.unit)} → {quantity(change.after, change.unit)}"
    ratio = change.relative(change.difference)
    low, high = change.relative(change.low), change.relative(change.high)
    if isinstance(ratio, Unavailable) or isinstance(low, Unavailable):
        return f"{name} {values}"
    return f"{name} {values}, {signed(ratio)} ({signed(low)} to {signed(high)})"


def signed(ratio: float | Unavailable) -> str:
    """``+12%``; the sign also of an increase."""
    if isinstance(ratio, Unavailable):
        return "n/a"
    return f"{ratio:+.0%}"


def side_text(side: SideSummary) -> str:
    """``127.0.0.1:8500 · convnet · 2026-11-22 22:27:30.078 UTC · 3.00 s; 286 complete …``."""
    titles = [title_of(server_of(capture, side.models)) for capture in side.captures]
    requests = f"{number(side.requests)} complete {plural(side.requests, 'request')}"
    return f"{'; '.join(titles)}; {requests}"


def _reasons(comparison: Comparison) -> Iterator[str]:
    """Of a mixed outcome every latency that moved, else the one that decides."""
    if comparison.outcome is Outcome.MIXED:
        judged = [c for c in comparison.changes if c.metric.startswith("latency.")]
        for change in judged:
            if change.outcome is not Outcome.NO_DIFFERENCE_SEEN:
                yield change_text(change)
    elif comparison.main is not None:
        yield change_text(comparison.main)
        mean = comparison.change("latency.mean")
        if mean is not comparison.main and not isinstance(mean, Unavailable):
            yield change_text(mean)
    else:
        yield "no latency has enough requests for an interval"


def _wanted(comparison: Comparison) -> str:
    wanted = comparison.wanted_window_ns
    if isinstance(wanted, Unavailable):
        return ""
    name = "" if comparison.main is None else metric_name(comparison.main.metric)
    change = f"A change of {name} by {thresholds.WANTED_RATIO:.0%}"
    if wanted <= min(comparison.before.window_ns, comparison.after.window_ns):
        return f"{change} would have shown."
    return f"{change} would show with about {duration(wanted)} recorded on each side."
