"""Why a batch waited: to fill, for a thread, or for the scheduler to look.

The rules are those of tensorflow/core/kernels/batching_util/shared_batch_scheduler.h (2.21): a
batch is schedulable once it is full, once the next one has been opened (overflow), or once
batch_timeout_micros have passed since its first task; expiry is noticed by polling every 1 ms.
docs/attribution.md has the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.intervals.sets import EMPTY, at_least, covered_between
from diag.analysis.thresholds import MIN_TELLING_RATIO, POLL_PERIOD_NS, SIZE_CLOSE_MAX_NS
from diag.model.availability import Unavailable
from diag.model.events import Bools, Int64s
from diag.model.intervals import NEVER_NS, IntervalSet
from diag.model.serving import CLOSE_REASONS, CloseReason, Origin, Parameter

Known = Parameter | Unavailable


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The enqueues of each batch, as far as they were recorded.

    A *group* is one batch id of one queue: those with a recorded ProcessBatch first (in the order
    of Batches), then those whose batch the window cut off.

    Attributes:
        group: (tasks,) group of each task.
        first_ns: (groups,) first enqueue; NEVER_NS if none was recorded.
        last_ns: (groups,) last enqueue; -1 if none.
        rows: (groups,) rows enqueued.
        queue: (groups,) queue of each group.
        taken_ns: (groups,) dequeue; the end of the window for a batch cut off.
        next_first_ns: (groups,) first enqueue into the queue's next batch; NEVER_NS if none.
    """

    group: Int64s
    first_ns: Int64s
    last_ns: Int64s
    rows: Int64s
    queue: Int64s
    taken_ns: Int64s
    next_first_ns: Int64s


@dataclass(frozen=True, slots=True)
class Pool:
    """A thread pool that batches of some queues share.

    Attributes:
        threads: num_batch_threads and how it is known.
        all_busy: When every thread was inside a batch.
    """

    threads: Known
    all_busy: IntervalSet


def gather_arrivals(
    batches: Batches, tasks: Tasks, queue: Int64s, task_queue: Int64s, cut_off_ns: Int64s
) -> Arrivals:
    """Group tasks by the batch they were enqueued for.

    Args:
        batches: All.
        tasks: All.
        queue: (batches,) queue of each batch.
        task_queue: (tasks,) queue of each task.
        cut_off_ns: When batches that the window cut off were taken, ascending, then its end: a
            batch without a ProcessBatch was taken at the first of these after its first enqueue,
            or not at all.
    """
    cut_off = tasks.batch < 0
    cut_key = np.stack((task_queue[cut_off], tasks.id[cut_off]), axis=1)
    keys, cut_group = np.unique(cut_key, axis=0, return_inverse=True)
    groups = len(batches) + len(keys)
    group = tasks.batch.copy()
    group[cut_off] = len(batches) + cut_group.reshape(-1)
    first = np.full(groups, NEVER_NS)
    last = np.full(groups, -1, np.int64)
    rows = np.zeros(groups, np.int64)
    np.minimum.at(first, group, tasks.enqueue_ns)
    np.maximum.at(last, group, tasks.enqueue_ns)
    np.add.at(rows, group, np.maximum(tasks.size, 0))
    group_queue = np.concatenate((queue, keys[:, 0]))
    index = np.searchsorted(cut_off_ns, last[len(batches) :])
    taken = cut_off_ns[np.minimum(index, len(cut_off_ns) - 1)]
    return Arrivals(
        group=group,
        first_ns=first,
        last_ns=last,
        rows=rows,
        queue=group_queue,
        taken_ns=np.concatenate((batches.start_ns, np.maximum(taken, last[len(batches) :]))),
        next_first_ns=_next_first(group_queue, np.concatenate((batches.id, keys[:, 1])), first),
    )


def _next_first(queue: Int64s, batch_id: Int64s, first_ns: Int64s) -> Int64s:
    """First enqueue into the batch opened next in the same queue: batches open in that order.

    Two batches of one id are not one after the other: both are the first of a queue each.
    """
    following = np.full(len(queue), NEVER_NS)
    order = np.lexsort((first_ns, queue))
    same = queue[order[1:]] == queue[order[:-1]]
    same &= batch_id[order[1:]] != batch_id[order[:-1]]
    following[order[:-1][same]] = first_ns[order[1:][same]]
    return following


def find_pool(start_ns: Int64s, end_ns: Int64s, threads: Known) -> Pool:
    """A pool from the intervals in which its threads were busy."""
    if isinstance(threads, Unavailable):
        return Pool(threads, EMPTY)
    return Pool(threads, at_least(start_ns, end_ns, max(1, threads.value)))


def estimate_timeout(arrivals: Arrivals, members: Int64s, pool: Pool) -> Known:
    """batch_timeout_micros of a queue from batches that must have waited for it.

    A batch that was not closed by its size and had a free thread all the while was taken when the
    timeout had passed and a poll had seen it: the shortest such wait is at most one poll too long.

    Args:
        arrivals: Of all queues.
        members: Groups of this queue with a recorded batch.
        pool: Its thread pool.
    """
    first, taken = arrivals.first_ns[members], arrivals.taken_ns[members]
    seen = first < NEVER_NS
    overflowed = arrivals.next_first_ns[members] < taken
    free = covered_between(pool.all_busy, first, taken) == 0
    usable = seen & ~overflowed & free & ~_sudden(arrivals, members)
    rows = arrivals.rows[members]
    smaller = rows < rows.max(initial=0)  # the largest may have been full
    usable = usable & smaller if (usable & smaller).any() else usable
    if not usable.any():
        return Unavailable("no batch of this queue waited with a batch thread free")
    if usable.sum() < MIN_TELLING_RATIO * len(members):
        return Unavailable(f"{usable.sum()} of {len(members)} batches waited with a thread free")
    shortest = int((taken - first)[usable].min())
    return Parameter(0 if shortest < POLL_PERIOD_NS else shortest, Origin.ESTIMATED)


def _sudden(arrivals: Arrivals, members: Int64s) -> Bools:
    """Batches taken right after an enqueue that was not their first: it may have filled them."""
    last = arrivals.last_ns[members]
    soon = arrivals.taken_ns[members] - last < SIZE_CLOSE_MAX_NS
    return np.asarray(soon & (last > arrivals.first_ns[members]), np.bool_)


def estimate_max_batch(
    arrivals: Arrivals, batches: Batches, members: Int64s, timeout: Known, pool: Pool
) -> Known:
    """max_batch_size of a queue: the largest batch, if a batch of that size did close early.

    Where nothing tells the timeout: if its last enqueue had a waiting thread take it at once.
    """
    rows = batches.rows[members]
    largest = int(rows.max()) if len(rows) else 0
    first, taken = arrivals.first_ns[members], arrivals.taken_ns[members]
    if isinstance(timeout, Parameter):
        closed = taken - first < timeout.value
    else:
        free = covered_between(pool.all_busy, first, taken) == 0
        closed = free & _sudden(arrivals, members)
    early = (rows == largest) & (closed | (arrivals.next_first_ns[members] < taken))
    if largest > 0 and int(early.sum()) >= 2:
        return Parameter(largest, Origin.ESTIMATED)
    return Unavailable(f"no batch was closed by its size; the largest had {largest} rows")


@dataclass(frozen=True, slots=True)
class Readiness:
    """When each group could be taken, and what made it so.

    Attributes:
        ready_ns: (groups,) never after ``taken_ns``.
        reason_index: (groups,) into CLOSE_REASONS.
        is_known: (groups,) False where the queue's timeout is unknown and nothing else closed it.
    """

    ready_ns: Int64s
    reason_index: Int64s
    is_known: Bools


def find_readiness(
    arrivals: Arrivals,
    tasks: Tasks,
    timeout_ns: Int64s,
    max_rows: Int64s,
    all_busy: list[IntervalSet],
    pool_of_queue: Int64s,
) -> Readiness:
    """Apply the scheduler's rule to every batch.

    Args:
        arrivals: All groups.
        tasks: Their tasks.
        timeout_ns: (queues,) NEVER_NS where unknown.
        max_rows: (queues,) NEVER_NS where unknown.
        all_busy: By pool, when all of its threads were busy.
        pool_of_queue: (queues,) pool of each queue.
    """
    full = np.minimum(_full_ns(arrivals, tasks, max_rows), arrivals.next_first_ns)
    expiry = np.minimum(arrivals.first_ns + timeout_ns[arrivals.queue], NEVER_NS)
    expiry[arrivals.first_ns >= NEVER_NS] = NEVER_NS
    ready = np.minimum(np.minimum(full, expiry), arrivals.taken_ns)
    by_size = (full <= arrivals.taken_ns) & (full <= expiry)
    known = by_size | (timeout_ns[arrivals.queue] < NEVER_NS)
    known &= arrivals.first_ns < NEVER_NS
    reason = np.full(len(ready), CLOSE_REASONS.index(CloseReason.UNKNOWN))
    reason[known] = CLOSE_REASONS.index(CloseReason.TIMEOUT)
    for pool, busy in enumerate(all_busy):
        # Whenever such a batch was due: from when no thread was free on, it waited for one.
        unknown = np.flatnonzero(~known & (pool_of_queue[arrivals.queue] == pool))
        unknown = unknown[arrivals.first_ns[unknown] < NEVER_NS]
        first = arrivals.first_ns[unknown]
        stretch = np.searchsorted(busy.end_ns, first, side="right")
        held = np.maximum(first, np.append(busy.start_ns, NEVER_NS)[stretch])
        ready[unknown] = np.minimum(ready[unknown], held)
        held_up = known & (pool_of_queue[arrivals.queue] == pool)
        held_up &= covered_between(busy, ready, arrivals.taken_ns) > 0
        reason[held_up] = CLOSE_REASONS.index(CloseReason.THREAD)
    # Without a timeout a batch is ready at once: it ends when a thread comes for it.
    reason[known & (timeout_ns[arrivals.queue] == 0)] = CLOSE_REASONS.index(CloseReason.THREAD)
    reason[by_size & known] = CLOSE_REASONS.index(CloseReason.SIZE)
    return Readiness(ready, reason, known)


def _full_ns(arrivals: Arrivals, tasks: Tasks, max_rows: Int64s) -> Int64s:
    """The enqueue that brought each group to its queue's maximum; NEVER_NS if none did."""
    order = np.lexsort((tasks.enqueue_ns, arrivals.group))
    group = arrivals.group[order]
    running = np.cumsum(np.maximum(tasks.size[order], 0))
    before = np.zeros(len(arrivals.first_ns), np.int64)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    before[group[first]] = running[first] - np.maximum(tasks.size[order][first], 0)
    filled = running - before[group] >= max_rows[arrivals.queue[group]]
    full = np.full(len(arrivals.first_ns), NEVER_NS)
    np.minimum.at(full, group[filled], tasks.enqueue_ns[order][filled])
    return full
