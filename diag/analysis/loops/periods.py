"""Where a thread repeats itself: the period of its sequence of eager ops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.loops import thresholds
from diag.analysis.loops.calls import PythonThread
from diag.model.events import EventTable, Int64s
from diag.model.loops import FoundBy

_NEXT = "IteratorGetNext"


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The ops of each iteration.

    Attributes:
        first: (g,) int64, position in the thread's tokens of the first op of each.
        last: (g,) int64, position of the last one.
        found_by: How.
        regularity: Ratio of ops that repeat those one period before.
    """

    first: Int64s
    last: Int64s
    found_by: FoundBy
    regularity: float


def find_groups(events: EventTable, thread: PythonThread) -> Groups | None:
    """The repeated groups of ops of a thread with a model call in each, or None without any."""
    starts, found_by, regularity = _starts(events, thread)
    if len(starts) < thresholds.ITERATIONS_MIN:
        return None
    last = np.append(starts[1:], len(thread.tokens)) - 1
    return Groups(starts, last, found_by, regularity)


def _starts(events: EventTable, thread: PythonThread) -> tuple[Int64s, FoundBy, float]:
    ids, names = thread.token_id, thread.token_names
    period, regularity = find_period(ids)
    if not period:
        rows = np.flatnonzero(thread.calls_function[np.maximum(thread.top_of_token, 0)])
        top = thread.top_of_token[rows]
        once = rows[np.append(True, top[1:] != top[:-1])] if len(rows) else rows
        return once, FoundBy.CALL, 0.0
    period, regularity = _whole_period(events, thread, period, regularity)
    template = _template(ids, period)
    ops = [names[i] for i in template.tolist()]
    makes = any("MakeIterator" in op or op.endswith("Dataset") for op in ops)
    if ops.count(_NEXT) and not makes:
        if period == 1 or set(ops) == {_NEXT}:
            return np.empty(0, np.int64), FoundBy.INPUT, regularity  # reads, calls no model
        starts = np.flatnonzero(ids == names.index(_NEXT))
        if ops.count(_NEXT) > 1:
            starts = _occurrences(ids, np.roll(template, -ops.index(_NEXT)))
        return starts, FoundBy.INPUT, regularity
    starts = _by_gap(events, thread, template)
    return _whole_calls(events, thread, starts), FoundBy.PERIOD, regularity


def find_period(
    ids: Int64s, *, more_than: int = 0, least: float = thresholds.REGULAR_MIN_RATIO
) -> tuple[int, float]:
    """The smallest period of most of a sequence and the ratio that repeats; 0 without any.

    Args:
        ids: The sequence.
        more_than: Only longer periods.
        least: Ratio that has to repeat.
    """
    longest = min(thresholds.PERIOD_MAX, len(ids) // thresholds.ITERATIONS_MIN)
    for period in range(more_than + 1, longest + 1):
        same = float((ids[period:] == ids[:-period]).mean())
        if same >= least:
            return period, same
    return 0, 0.0


def _whole_period(
    events: EventTable, thread: PythonThread, period: int, regularity: float
) -> tuple[int, float]:
    """The period of the loop, where the shorter one is that of a model's equal layers.

    Only where ops run one by one, with no more Python before the shorter period than a call needs,
    and only if the longer one explains most of what the shorter one does not.
    """
    is_exact = regularity == 1.0
    if is_exact or thread.calls_function.any():
        return period, regularity
    starts = _by_gap(events, thread, _template(thread.token_id, period))
    gap = _gaps_ns(events, thread)[starts]
    if not len(gap) or float(np.median(gap)) > thresholds.DISPATCH_MAX_NS:
        return period, regularity
    least = 1 - (1 - regularity) * thresholds.UNEXPLAINED_MAX_RATIO
    longer, same = find_period(thread.token_id, more_than=period, least=least)
    return (longer, same) if longer else (period, regularity)


def _template(ids: Int64s, period: int) -> Int64s:
    """The period's most frequent content."""
    windows = np.lib.stride_tricks.sliding_window_view(ids, period)[::period]
    unique, count = np.unique(windows, axis=0, return_counts=True)
    return np.asarray(unique[int(count.argmax())], np.int64)


def _by_gap(events: EventTable, thread: PythonThread, template: Int64s) -> Int64s:
    """The group begins at the op with the largest median gap before it: Python ran there."""
    gap = _gaps_ns(events, thread)
    best, longest = np.empty(0, np.int64), -1.0
    for shift in range(len(template)):
        found = _occurrences(thread.token_id, np.roll(template, -shift))
        if len(found) < thresholds.ITERATIONS_MIN:
            continue
        typical = float(np.median(gap[found[found > 0]]))
        if typical > longest:
            best, longest = found, typical
    return best


def _whole_calls(events: EventTable, thread: PythonThread, starts: Int64s) -> Int64s:
    """The starts without those of a model's equal layers, whose ops have a shorter period.

    Every k-th start is kept if a longer gap is before it than before the others, and if those are
    as short as Python within one call.
    """
    if len(starts) == 0 or thread.calls_function.any():
        return starts
    gap = _gaps_ns(events, thread)[starts]
    gap[starts == 0] = np.iinfo(np.int64).max  # what was before the first op is not known
    most = min(thresholds.LAYERS_MAX, len(gap) // thresholds.ITERATIONS_MIN)
    for layers in range(2, most + 1):
        rows = gap[: len(gap) // layers * layers].reshape(-1, layers)
        first = int(np.median(rows, axis=0).argmax())
        within = np.delete(rows, first, axis=1)[1:].max(axis=1)
        before = rows[1:, first]
        is_within = (within <= thresholds.DISPATCH_MAX_NS) & (
            before >= thresholds.CALL_GAP * within
        )
        if is_within.mean() >= thresholds.REGULAR_MIN_RATIO:
            return starts[first::layers]
    return starts


def _gaps_ns(events: EventTable, thread: PythonThread) -> Int64s:
    """(tokens,) Time between the calls of each token and of the one before it; first 0."""
    top = thread.top[np.maximum(thread.top_of_token, 0)]
    start, end = events.start_ns[top], events.end_ns[top]
    return np.append(0, np.maximum(start[1:] - end[:-1], 0)).astype(np.int64)


def _occurrences(ids: Int64s, pattern: Int64s) -> Int64s:
    """Positions where the shortest part of the pattern that tells its begin occurs."""
    period = len(pattern)
    length = next(n for n in range(1, period + 1) if n == period or _is_unique(pattern, n))
    if len(ids) < length:
        return np.empty(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(ids, length)
    found = np.flatnonzero((windows == pattern[:length]).all(axis=1))
    return np.asarray(found, np.int64)


def _is_unique(pattern: Int64s, length: int) -> bool:
    """Whether the first ``length`` ops occur at one place only of the repeated pattern."""
    around = np.concatenate((pattern, pattern[: length - 1])) if length > 1 else pattern
    windows = np.lib.stride_tricks.sliding_window_view(around, length)
    return int((windows == pattern[:length]).all(axis=1).sum()) == 1
