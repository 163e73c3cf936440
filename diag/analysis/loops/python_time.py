"""Python's own time in iterations, by what samples of the stack show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.sets import covered_between, is_covered, union
from diag.analysis.loops.blanks import Blanks
from diag.analysis.loops.spans import Spans
from diag.analysis.loops.stack_kinds import StackKinds, kinds_of
from diag.model.availability import Unavailable
from diag.model.events import Bools, Int64s
from diag.model.intervals import IntervalSet
from diag.model.loops import FoundBy, LoopStage
from diag.model.stacks import StackSamples

_WAITS = tuple(
    stage.index for stage in (LoopStage.REQUEST_WAIT, LoopStage.REQUEST_READ, LoopStage.RESULT_WAIT)
)
_NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class PythonTime:
    """The samples of one thread in the blanks of its iterations.

    Attributes:
        layers: When each stage ran, by the samples.
        rows: (k,) int64, rows of the samples in complete iterations and outside of events.
        share_ns: (k,) int64, time that each of them stands for.
        stage: (k,) int64, index of the stage of each.
        kinds: Of the stacks.
    """

    layers: tuple[tuple[LoopStage, IntervalSet], ...]
    rows: Int64s
    share_ns: Int64s
    stage: Int64s
    kinds: StackKinds | None


_NOTHING = PythonTime((), _NO_ROWS, _NO_ROWS, _NO_ROWS, None)


def place_samples(
    samples: StackSamples | Unavailable,
    reach_ns: Int64s,
    line_id: int,
    blanks: Blanks,
    known: IntervalSet,
    spans: Spans,
    model_start_ns: Int64s,
    others_ns: Int64s,
    executed: IntervalSet,
) -> PythonTime:
    """Give each blank of the iterations the stages of the samples in it.

    A sample stands for its ticks, each from half a tick before it to half a tick after it, whenever
    it was read: it may have held the lock until then. One that waits did not, and changed anywhere
    between two readings. Within a blank, the samples share all of it. Where the sampler saw other
    threads only, this one did not exist: no request was there. A blank without a sample gets the
    stages of those between the same two calls, in proportion to their samples; where none of them
    has one, of all on its side of the model call.

    Args:
        samples: Of all threads.
        reach_ns: Where the time begins that each of them stands for.
        line_id: The thread.
        blanks: Its time in iterations without an event.
        known: Its time with one.
        spans: Its iterations.
        model_start_ns: (iterations,) begin of each model call.
        others_ns: Times at which other threads of the program work: what the thread waits for then
            may be their work, and no request.
        executed: When XLA executes what the thread called: then it waits for the model.
    """
    if isinstance(samples, Unavailable) or not len(blanks):
        return _NOTHING
    blank = blanks.intervals
    rows = np.flatnonzero(samples.line_id == line_id)
    rows = rows[np.argsort(samples.time_ns[rows], kind="stable")]
    at = samples.time_ns[rows]
    if not len(rows):
        return _NOTHING
    kinds = kinds_of(samples, rows, is_covered(known, at))
    rows = rows[is_covered(blank, at)]
    if not len(rows):
        return _NOTHING
    at, reach = samples.time_ns[rows], reach_ns[rows]
    is_after = _is_after(at, spans, model_start_ns)
    stage = _stages(kinds, samples, rows, is_after, spans.found_by)
    is_theirs = (stage == LoopStage.REQUEST_WAIT.index) & np.isin(at, others_ns)
    stage[is_theirs] = LoopStage.NOT_KNOWN.index
    piece = np.searchsorted(blank.start_ns, at, side="right") - 1
    converts = kinds.calls_tensorflow[samples.stack_id[rows]] & blanks.before_conversion[piece]
    stage[converts & (stage == LoopStage.DISPATCH.index)] = LoopStage.CONVERT.index
    waits = np.isin(stage, (LoopStage.NOT_KNOWN.index, LoopStage.DISPATCH.index))
    stage[waits & is_covered(executed, at)] = LoopStage.MODEL.index
    absent = _without_thread(samples, line_id, blank)
    absent_at = samples.time_ns[absent]
    order = np.argsort(np.append(at, absent_at), kind="stable")
    at = np.append(at, absent_at)[order]
    reach = np.append(reach, reach_ns[absent])[order]
    stage = np.append(stage, np.full(len(absent), LoopStage.REQUEST_WAIT.index))[order]
    is_after = _is_after(at, spans, model_start_ns)
    piece = np.searchsorted(blank.start_ns, at, side="right") - 1
    start, end = _cells(at, reach, np.isin(stage, _WAITS), piece, blank)
    filled = np.zeros(len(blank), np.bool_)
    filled[piece] = True
    empty = np.flatnonzero(~filled)
    empty_is_after = _is_after(blank.start_ns[empty], spans, model_start_ns)
    low, high, code = _spread(blanks, empty, empty_is_after, stage, piece, is_after)
    begin, stop = np.append(start, low), np.append(end, high)
    codes = np.append(stage, code)
    layers = tuple(
        (each, union(begin[codes == each.index], stop[codes == each.index]))
        for each in LoopStage
        if (codes == each.index).any()
    )
    whole = union(spans.start_ns[spans.complete], spans.end_ns[spans.complete])
    share = covered_between(whole, start, end)
    seen = order < len(rows)
    return PythonTime(layers, rows, share[seen], stage[seen], kinds)


def _is_after(at: Int64s, spans: Spans, model_start_ns: Int64s) -> Bools:
    """Whether each time is after the begin of the model call of its iteration."""
    owner = np.maximum(np.searchsorted(spans.start_ns, at, side="right") - 1, 0)
    return np.asarray(at >= model_start_ns[owner], np.bool_)


def _without_thread(samples: StackSamples, line_id: int, blank: IntervalSet) -> Int64s:
    """A row of each reading that saw other threads only: this one did not exist.

    A server that starts a thread for each request has none between two of them; the next one may
    have the same number.
    """
    times, first = np.unique(samples.time_ns, return_index=True)
    absent = ~np.isin(times, samples.time_ns[samples.line_id == line_id])
    absent &= is_covered(blank, times)
    return np.asarray(first[absent], np.int64)


def _stages(
    kinds: StackKinds, samples: StackSamples, rows: Int64s, is_after: Bools, by: FoundBy
) -> Int64s:
    """What the program's own code does: before the model call it prepares, after it answers.

    Where an iteration ends with the model call, all of it is before the next call.
    """
    told = kinds.stage[samples.stack_id[rows]].astype(np.int64)
    ends_later = by in (FoundBy.ANNOTATION, FoundBy.INPUT)
    own = np.where(is_after & ends_later, LoopStage.POSTPROCESS.index, LoopStage.PREPROCESS.index)
    own[kinds.function[samples.stack_id[rows]] < 0] = LoopStage.NOT_KNOWN.index
    return np.asarray(np.where(told >= 0, told, own), np.int64)


def _cells(
    at: Int64s, reach: Int64s, waits: Bools, piece: Int64s, blank: IntervalSet
) -> tuple[Int64s, Int64s]:
    """The part of its blank that each sample stands for."""
    halfway = (at[:-1] + at[1:]) // 2
    border = np.where(waits[1:], halfway, np.clip(reach[1:], at[:-1], at[1:]))
    same = piece[1:] == piece[:-1]
    start, end = blank.start_ns[piece], blank.end_ns[piece]
    start[1:][same] = border[same]
    end[:-1][same] = border[same]
    return start, end


def _spread(
    blanks: Blanks,
    empty: Int64s,
    empty_is_after: Bools,
    stage: Int64s,
    piece: Int64s,
    is_after: Bools,
) -> tuple[Int64s, Int64s, Int64s]:
    """Start, end and stage of the parts of blanks without a sample.

    Args:
        blanks: All of them.
        empty: (e,) those without a sample.
        empty_is_after: (e,) whether each is after the begin of its model call.
        stage: (k,) stage of each sample.
        piece: (k,) its blank.
        is_after: (k,) whether it is after the begin of the model call.
    """
    is_told = np.isin(blanks.place[empty], blanks.place[piece])
    told = _by_place(blanks.place[empty], empty)
    seen = _by_place(blanks.place[piece], stage)
    parts = [_cut(blanks, mine, seen[place]) for place, mine in told.items() if place in seen]
    for side in (False, True):
        if (is_after == side).any():
            mine = empty[~is_told & (empty_is_after == side)]
            parts.append(_cut(blanks, mine, stage[is_after == side]))
    if not parts:
        return _NO_ROWS, _NO_ROWS, _NO_ROWS
    lows, highs, which = zip(*parts, strict=True)
    return np.concatenate(lows), np.concatenate(highs), np.concatenate(which)


def _by_place(place: Int64s, values: Int64s) -> dict[int, Int64s]:
    """The values of each place."""
    order = np.argsort(place, kind="stable")
    places, first = np.unique(place[order], return_index=True)
    return dict(zip(places.tolist(), np.split(values[order], first[1:]), strict=False))


def _cut(blanks: Blanks, empty: Int64s, stage: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """These blanks, each cut in proportion to these samples."""
    codes, count = np.unique(stage, return_counts=True)
    edges = np.append(0, np.cumsum(count)) / count.sum()
    low, high = blanks.intervals.start_ns[empty], blanks.intervals.end_ns[empty]
    cut = low[:, None] + np.rint((high - low)[:, None] * edges[None, :]).astype(np.int64)
    return cut[:, :-1].ravel(), cut[:, 1:].ravel(), np.tile(codes, len(low))
