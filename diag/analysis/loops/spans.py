"""Where each iteration of a thread begins and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.sets import union
from diag.analysis.loops.calls import PythonThread
from diag.analysis.loops.periods import Groups, find_groups
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s
from diag.model.intervals import IntervalSet
from diag.model.loops import FoundBy
from diag.model.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Bounds of iterations, before their time is cut."""

    start_ns: Int64s
    end_ns: Int64s
    complete: Bools
    found_by: FoundBy
    regularity: float


def find_spans(
    events: EventTable, thread: PythonThread, window: Window, executed: IntervalSet
) -> Spans | None:
    """By the program's own marks, else by repetition; None where the thread repeats nothing.

    Args:
        events: Of the host.
        thread: Whose iterations are wanted.
        window: Of the recording.
        executed: When JAX's functions execute: a call returns before that.
    """
    return _annotated(events, thread) or _repeated(events, thread, window, executed)


def _annotated(events: EventTable, thread: PythonThread) -> Spans | None:
    """Requests that the program marks itself."""
    rows = events.rows_named(ev.REQUEST_ANNOTATION)
    rows = rows[events.line_index[rows] == thread.line]
    if not len(rows):
        return None
    spans = union(events.start_ns[rows], events.end_ns[rows])
    start, end = spans.edges
    ones = np.ones(len(start), np.bool_)
    return Spans(start, end, ones, FoundBy.ANNOTATION, 1.0)


def _repeated(
    events: EventTable, thread: PythonThread, window: Window, executed: IntervalSet
) -> Spans | None:
    groups = find_groups(events, thread)
    if groups is None:
        return None
    return _bounds(events, thread, groups, window, executed)


def _bounds(
    events: EventTable,
    thread: PythonThread,
    groups: Groups,
    window: Window,
    executed: IntervalSet,
) -> Spans:
    top = thread.top[np.maximum(thread.top_of_token, 0)]
    call_start = events.start_ns[top[groups.first]]
    call_end = _until_executed(call_start, events.end_ns[top[groups.last]], executed)
    n = len(call_start)
    complete = np.ones(n, np.bool_)
    if groups.found_by is FoundBy.INPUT:
        start = call_start
        end = np.append(start[1:], call_end[-1])
        complete[-1] = False
    else:
        start = np.append(max(window.start_ns, 0), call_end[:-1])
        start[0] = min(start[0], call_start[0])
        end = call_end
        complete[0] = False
    return Spans(start, end, complete, groups.found_by, groups.regularity)


def _until_executed(start_ns: Int64s, end_ns: Int64s, executed: IntervalSet) -> Int64s:
    """(n,) the ends of calls, or of what they execute, at most until the next call begins."""
    if not len(executed):
        return end_ns
    following = np.append(start_ns[1:], np.iinfo(np.int64).max)
    last = np.searchsorted(executed.start_ns, following) - 1
    until = np.where(last >= 0, executed.end_ns[np.maximum(last, 0)], end_ns)
    return np.asarray(np.minimum(np.maximum(until, end_ns), following), np.int64)
