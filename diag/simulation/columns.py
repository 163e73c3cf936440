"""The queue's rules applied to recorded batches, as columns.

A *group* is one batch: the tasks that were enqueued for it. Times are ns on any one clock, row
counts are int64, and ``NEVER_NS`` stands for an event that did not happen or a value that is not
known.
"""

from __future__ import annotations

import numpy as np

from diag.model.events import Bools, Int64s
from diag.model.intervals import NEVER_NS
from diag.model.serving import CLOSE_REASONS, CloseReason
from diag.simulation.rules import expiry_ns, is_full


def filled_ns(group: Int64s, enqueue_ns: Int64s, rows: Int64s, full_rows: Int64s) -> Int64s:
    """The enqueue that made each group full; NEVER_NS if none did.

    Args:
        group: (tasks,) group of each task.
        enqueue_ns: (tasks,).
        rows: (tasks,) rows of each task; a negative count is unknown and adds nothing.
        full_rows: (groups,) rows at which the group is full; NEVER_NS where unknown.
    """
    order = np.lexsort((enqueue_ns, group))
    ordered, counted = group[order], np.maximum(rows[order], 0)
    running = np.cumsum(counted)
    before = np.zeros(len(full_rows), np.int64)
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    before[ordered[first]] = running[first] - counted[first]
    filled = is_full(running - before[ordered], full_rows[ordered])
    at = np.full(len(full_rows), NEVER_NS)
    np.minimum.at(at, ordered[filled], enqueue_ns[order][filled])
    return at


def overflow_ns(queue: Int64s, batch_id: Int64s, first_ns: Int64s) -> Int64s:
    """When the task came that did not fit into each group: the first of the queue's next group.

    A queue opens its batches in the order of their first tasks. Two groups of one id do not follow
    each other: each is the first batch of a queue of its own.

    Args:
        queue: (groups,) queue of each group.
        batch_id: (groups,); groups opened at the same instant are ordered as they are given.
        first_ns: (groups,) first enqueue; NEVER_NS where it was not recorded.

    Returns:
        (groups,) NEVER_NS where no other group follows.
    """
    following = np.full(len(queue), NEVER_NS)
    order = np.lexsort((first_ns, queue))
    same = queue[order[1:]] == queue[order[:-1]]
    same &= batch_id[order[1:]] != batch_id[order[:-1]]
    following[order[:-1][same]] = first_ns[order[1:][same]]
    return following


def ready_ns(closed_ns: Int64s, first_ns: Int64s, timeout_ns: Int64s, taken_ns: Int64s) -> Int64s:
    """When a batch thread could take each group: once it is closed or its timeout has passed.

    Args:
        closed_ns: (groups,) when it was full or overflowed, whichever came first.
        first_ns: (groups,) first enqueue.
        timeout_ns: (groups,) batch_timeout_micros in ns; NEVER_NS where unknown.
        taken_ns: (groups,) when a thread took it: an upper bound, because parameters may be
            estimates.
    """
    ready = np.minimum(closed_ns, expiry_ns(first_ns, timeout_ns))
    return np.asarray(np.minimum(ready, taken_ns), np.int64)


def is_closed_by_size(
    closed_ns: Int64s, first_ns: Int64s, timeout_ns: Int64s, taken_ns: Int64s
) -> Bools:
    """Whether each group was full or had overflowed before its timeout; Args as ``ready_ns``."""
    by_size = (closed_ns <= taken_ns) & (closed_ns <= expiry_ns(first_ns, timeout_ns))
    return np.asarray(by_size, np.bool_)


def close_reason_index(
    by_size: Bools, is_known: Bools, timeout_ns: Int64s, waited_for_thread: Bools
) -> Int64s:
    """Why each group stopped accepting rows, as an index into ``CLOSE_REASONS``.

    Without a timeout a batch may run from its first task on, so it ends when a thread comes for it.
    With one, a batch that expired while all threads were busy ends in the same way.

    Args:
        by_size: (groups,) closed by its size.
        is_known: (groups,) False where nothing tells when the group could be taken.
        timeout_ns: (groups,) batch_timeout_micros in ns.
        waited_for_thread: (groups,) whether all batch threads were busy at some time between
            readiness and dequeue.
    """
    by_thread = waited_for_thread | (timeout_ns == 0)
    reason = np.full(len(by_size), CLOSE_REASONS.index(CloseReason.UNKNOWN))
    reason[is_known] = CLOSE_REASONS.index(CloseReason.TIMEOUT)
    reason[is_known & by_thread] = CLOSE_REASONS.index(CloseReason.THREAD)
    reason[is_known & by_size] = CLOSE_REASONS.index(CloseReason.SIZE)
    return np.asarray(reason, np.int64)
