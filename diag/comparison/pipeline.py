"""compare(): from the analyses of two sides to a Comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.comparison import thresholds
from diag.comparison.changes import request_changes, window_changes
from diag.comparison.checks import check_results
from diag.comparison.circumstances import circumstances, model_shares
from diag.comparison.result import Change, Comparison, Outcome, SideSummary
from diag.comparison.series import request_series, window_series
from diag.findings import find
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from diag.analysis.result import Analysis
    from diag.model.finding import Finding

# What the outcome rests on, the strongest first: what objectives are written in, then the mean.
_JUDGED = ("latency.p99", "latency.mean", "latency.p50")


def compare(before: Sequence[Analysis], after: Sequence[Analysis]) -> Comparison:
    """What changed from one side to the other.

    Several captures of a side are pooled: their requests count alike, and no run of neighbours
    that is resampled spans two captures.

    Args:
        before: Analyses of one or more captures.
        after: Likewise.

    Raises:
        ValueError: A side is empty.
    """
    if not before or not after:
        raise ValueError("each side needs a capture")
    sides = tuple(before), tuple(after)
    requests = request_series(sides[0]), request_series(sides[1])
    width_ns = _bin_width_ns([each.capture.window.duration_ns for side in sides for each in side])
    windows = window_series(sides[0], width_ns), window_series(sides[1], width_ns)
    latency_and_stages = request_changes(*requests)
    judged = _judged(latency_and_stages)
    obstacle = _obstacle(*sides, latency_and_stages, judged)
    outcome = Outcome.NOT_COMPARABLE if obstacle else _outcome(judged)
    found = _findings(sides[0]), _findings(sides[1])
    ids = [{finding.id for finding in side} for side in found]
    return Comparison(
        before=_summary(sides[0]),
        after=_summary(sides[1]),
        outcome=outcome,
        obstacle=obstacle,
        main=_main(judged, outcome),
        changes=(*latency_and_stages, *window_changes(*windows)),
        circumstances=tuple(circumstances(*sides, requests, windows)),
        went=tuple(finding for finding in found[0] if finding.id not in ids[1]),
        came=tuple(finding for finding in found[1] if finding.id not in ids[0]),
        stayed=tuple(finding for finding in found[1] if finding.id in ids[0]),
        checks=check_results(found[0], sides[1]),
        wanted_window_ns=_wanted_window_ns(judged, outcome, sides),
    )


def _bin_width_ns(windows_ns: list[int]) -> int:
    """A part of the shortest window, but no more bins than can be held, whatever the lengths."""
    enough = min(windows_ns) // thresholds.WINDOW_BINS
    return max(1, enough, sum(windows_ns) // thresholds.WINDOW_BINS_MAX)


def _summary(side: tuple[Analysis, ...]) -> SideSummary:
    models = dict.fromkeys(model for each in side for model in each.requests.models)
    return SideSummary(
        analyses=side,
        requests=sum(int(each.requests.complete.sum()) for each in side),
        window_ns=sum(each.capture.window.duration_ns for each in side),
        models=tuple(models),
    )


def _findings(side: tuple[Analysis, ...]) -> tuple[Finding, ...]:
    """Of all captures, one a rule: the one with most at stake."""
    best: dict[str, Finding] = {}
    for analysis in side:
        for finding in find(analysis):
            other = best.get(finding.id)
            if other is None or finding.at_stake_ns > other.at_stake_ns:
                best[finding.id] = finding
    return tuple(best.values())


def _judged(changes: Iterable[Change]) -> dict[str, Change]:
    """The changes that decide, as far as they have an interval."""
    by_metric = {change.metric: change for change in changes}
    return {
        metric: by_metric[metric]
        for metric in _JUDGED
        if metric in by_metric and not isinstance(by_metric[metric].low, Unavailable)
    }


def _obstacle(
    before: tuple[Analysis, ...],
    after: tuple[Analysis, ...],
    changes: tuple[Change, ...],
    judged: dict[str, Change],
) -> str:
    """Why the sides cannot be compared, in half a sentence; "" if they can."""
    sides = (("before", before), ("after", after))
    empty = [name for name, side in sides if not any(each.requests.complete.any() for each in side)]
    if empty:
        return f"no complete request was recorded {' and '.join(empty)}"
    shares = model_shares(before), model_shares(after)
    known = [set(each) for each in shares if not isinstance(each, Unavailable)]
    if len(known) == len(shares) and not known[0] & known[1]:
        return "no model served requests on both sides"
    mean = next(change for change in changes if change.metric == "latency.mean")
    return mean.low.reason if not judged and isinstance(mean.low, Unavailable) else ""


def _outcome(judged: dict[str, Change]) -> Outcome:
    seen = {change.outcome for change in judged.values()} - {Outcome.NO_DIFFERENCE_SEEN}
    if len(seen) > 1:
        return Outcome.MIXED
    return seen.pop() if seen else Outcome.NO_DIFFERENCE_SEEN


def _main(judged: dict[str, Change], outcome: Outcome) -> Change | None:
    """The first change that shows the outcome; of a mixed one, or of none, the first of all."""
    for change in judged.values():
        if change.outcome is outcome:
            return change
    return next(iter(judged.values()), None)


def _wanted_window_ns(
    judged: dict[str, Change], outcome: Outcome, sides: tuple[tuple[Analysis, ...], ...]
) -> int | Unavailable:
    """Intervals narrow with the square root of the recorded time."""
    if outcome is not Outcome.NO_DIFFERENCE_SEEN:
        return Unavailable("a difference was seen")
    change = next(iter(judged.values()), None)
    if (
        change is None
        or isinstance(change.before, Unavailable)
        or isinstance(change.low, Unavailable)
        or isinstance(change.high, Unavailable)
        or change.before <= 0
    ):
        return Unavailable("no latency has an interval")
    half = (change.high - change.low) / 2
    shortest_ns = min(sum(each.capture.window.duration_ns for each in side) for side in sides)
    wanted = thresholds.WANTED_RATIO * change.before
    return int(shortest_ns * (half / wanted) ** 2)
