"""When a step without a burst may be waiting for a thread, by the events of the thread pools.

Such a step waits either for a thread, or for something that no host event shows, such as a kernel
that no device tracer recorded, or an answer from another server. It can wait for a thread only
while a closure is pending in some pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.closures import Closures
from diag.analysis.execution.parts import StepIntervals
from diag.analysis.execution.steps import NO_KEY, Steps, keys_of_runs
from diag.analysis.intervals.joins import latest_before
from diag.analysis.intervals.sets import is_covered, union
from diag.analysis.intervals.tiling import Pieces
from diag.analysis.thresholds import HANDOVER_MAX_NS
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s
from diag.model.intervals import NEVER_NS, IntervalSet

# Pools that serve single ops: their closures do not run steps.
_OP_POOL = "Eigen"
# Limit of pieces added by cutting; beyond it the pending intervals are widened until they join.
_CUTS_MAX = 2**22


@dataclass(frozen=True, slots=True, eq=False)
class ThreadWaits:
    """Waits for threads, by the events of the pools.

    Attributes:
        possible: When a step may wait for a thread; always, if no pool that runs steps has events.
        done: Waits of done callbacks that did not follow a burst of their step on its thread. They
            last from the hand-over of the callback's closure to its begin; for a closure without
            events, from the begin of the pending interval around it.
    """

    possible: IntervalSet
    done: StepIntervals


def find_thread_waits(
    events: EventTable, lines: tuple[str, ...], closures: Closures, steps: Steps
) -> ThreadWaits:
    """Read the events of the pools."""
    possible = _possible(events, lines, closures)
    return ThreadWaits(possible, _done(events, closures, steps, possible))


def of_steps(events: EventTable, lines: tuple[str, ...], begun: Int64s) -> Bools:
    """(n,) whether each closure ran in a pool that runs steps.

    Args:
        events: Of the host plane.
        lines: Names of its lines.
        begun: (n,) rows of StartRegion.
    """
    serves_ops = np.array([_OP_POOL in line.partition("/")[0] for line in lines], np.bool_)
    return ~serves_ops[events.line_index[begun]] if len(begun) else np.zeros(0, np.bool_)


def _possible(events: EventTable, lines: tuple[str, ...], closures: Closures) -> IntervalSet:
    """The union of all waits, widened by the time that handing over and beginning may take."""
    at = events.start_ns
    begun = events.rows_named(ev.THREADPOOL_START_REGION)
    begun = begun[of_steps(events, lines, begun)]
    if not len(begun):
        return IntervalSet(np.array([-NEVER_NS]), np.array([NEVER_NS]))
    paired = of_steps(events, lines, closures.begun)
    handed = closures.handed[paired]
    # Closures cut by the window: handed over before it began, or not begun when it ended.
    before = begun[~np.isin(begun, closures.begun)]
    after = events.rows_named(ev.THREADPOOL_RECORD)
    after = after[~np.isin(after, closures.handed)]
    start = np.concatenate((at[handed], np.full(len(before), -NEVER_NS), at[after]))
    end = np.concatenate((at[closures.begun[paired]], at[before], np.full(len(after), NEVER_NS)))
    start = np.maximum(start - HANDOVER_MAX_NS, -NEVER_NS)
    return union(start, end + HANDOVER_MAX_NS)


def _done(
    events: EventTable, closures: Closures, steps: Steps, possible: IntervalSet
) -> StepIntervals:
    """Waits of done callbacks that did not follow a burst of their step on its thread."""
    done = events.rows_named(ev.EXECUTOR_DONE_CALLBACK)
    key = keys_of_runs(events, ev.STAT_CONSUMER_ID, done)
    done, key = done[key != NO_KEY], key[key != NO_KEY]
    own = np.flatnonzero(~steps.is_orphan)
    step = latest_before(steps.key[own], steps.start_ns[own], key, events.start_ns[done])
    done, step = done[step >= 0], steps.root[own[step[step >= 0]]]
    at, line = events.start_ns, events.line_index
    # Rows of a line are sorted by time: the nearest row before the callback is what ran before it.
    stops = events.rows_named(ev.THREADPOOL_STOP_REGION)
    marks = np.concatenate((closures.begun, steps.burst_row, stops, [-1]))
    order = np.argsort(marks)
    nearest = order[np.searchsorted(marks[order], done) - 1]
    same = (marks[nearest] >= 0) & (line[marks[nearest]] == line[done])
    burst = nearest - len(closures.begun)
    is_burst = same & (burst >= 0) & (burst < len(steps.burst_row))
    follows = np.zeros(len(done), np.bool_)
    follows[is_burst] = steps.burst_step[burst[is_burst]] == step[is_burst]
    marked = same & (burst < 0)
    handed = closures.handed[nearest[marked]]
    begun = closures.begun[nearest[marked]]
    unmarked = np.flatnonzero(~marked & ~follows & is_covered(possible, at[done] - 1))
    end = at[done[unmarked]]
    since = possible.start_ns[np.searchsorted(possible.start_ns, end) - 1] if len(end) else end
    seen = since > -NEVER_NS  # otherwise the begin of the wait is not known
    unmarked, end, since = unmarked[seen], end[seen], since[seen]
    return StepIntervals(
        np.concatenate((step[marked], step[unmarked])),
        np.concatenate((at[handed], since)),
        np.concatenate((at[begun], end)),
    )


def where_possible(pieces: Pieces, waiting: int, possible: IntervalSet, otherwise: int) -> Pieces:
    """Cut the pieces of one code at the edges of a set, and change the code outside the set.

    Args:
        pieces: Pieces of all codes.
        waiting: The code whose pieces are cut.
        possible: Where this code is kept.
        otherwise: The code for the parts outside.
    """
    own = pieces.code == waiting
    if not own.any():
        return pieces
    start, end = pieces.start_ns[own], pieces.end_ns[own]
    edges, first, more = _edges_within(possible, start, end)
    wider_ns = HANDOVER_MAX_NS
    while more.sum() > 2 * len(own) + _CUTS_MAX:  # thousands of steps and of separate waits
        possible, wider_ns = (
            union(possible.start_ns - wider_ns, possible.end_ns + wider_ns),
            2 * wider_ns,
        )
        edges, first, more = _edges_within(possible, start, end)
    copies = np.ones(len(own), np.int64)
    copies[own] += more
    source = np.repeat(np.arange(len(own)), copies)
    within = np.arange(len(source)) - (np.cumsum(copies) - copies)[source]
    edge = np.zeros(len(own), np.int64)
    edge[own] = first
    edge = edge[source] + within
    start_ns, end_ns = pieces.start_ns[source], pieces.end_ns[source]
    code = pieces.code[source]
    later, earlier = within > 0, within < copies[source] - 1
    start_ns[later] = edges[edge[later] - 1]
    end_ns[earlier] = edges[edge[earlier]]
    # With an odd number of edges before it, a piece is inside.
    code[own[source] & (edge % 2 == 0)] = otherwise
    return Pieces(pieces.owner[source], start_ns, end_ns, code)


def _edges_within(of: IntervalSet, start: Int64s, end: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """All edges sorted; for each span, the first edge after its begin and the number inside."""
    edges = np.stack(of.edges, axis=1).reshape(-1)
    first = np.searchsorted(edges, start, side="right")
    return edges, first, np.searchsorted(edges, end, side="left") - first
