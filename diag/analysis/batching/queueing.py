"""Why a batch waited: to fill, for a batch thread, or for the scheduler's next poll.

The rules are those of ``diag.simulation``. Here they meet what was recorded: enqueues by batch,
when the threads were busy. docs/attribution.md has the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.queue_keys import QueueKeys
from diag.analysis.intervals.sets import EMPTY, at_least, covered_between
from diag.model.availability import Unavailable
from diag.model.events import Bools, Int64s
from diag.model.intervals import NEVER_NS, IntervalSet
from diag.model.serving import Parameter
from diag.simulation.columns import (
    close_reason_index,
    filled_ns,
    is_closed_by_size,
    overflow_ns,
    ready_ns,
)

Known = Parameter | Unavailable


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """The recorded enqueues, by batch.

    A *group* is one batch id of one queue: first the batches with a recorded ProcessBatch, in the
    order of Batches, then the batches that the window cut off.

    Attributes:
        group: (tasks,) group of each task.
        first_ns: (groups,) first enqueue; NEVER_NS if none was recorded.
        last_ns: (groups,) last enqueue; -1 if none was recorded.
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


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """A pool of batch threads that serves one or more queues.

    Attributes:
        threads: num_batch_threads and how it is known.
        all_busy: Intervals in which every thread processed a batch.
    """

    threads: Known
    all_busy: IntervalSet


def gather_arrivals(
    batches: Batches, tasks: Tasks, keys: QueueKeys, cut_off_ns: Int64s
) -> Arrivals:
    """Group tasks by the batch they were enqueued for.

    Args:
        batches: All recorded batches.
        tasks: All recorded tasks.
        keys: The queues.
        cut_off_ns: Ascending times at which threads took batches that the window cut off, followed
            by the end of the window. A batch without a ProcessBatch was taken at the first of these
            after its last enqueue.
    """
    cut_off = tasks.batch < 0
    cut_key = np.stack((keys.of_task[cut_off], tasks.id[cut_off]), axis=1)
    unseen, cut_group = np.unique(cut_key, axis=0, return_inverse=True)
    groups = len(batches) + len(unseen)
    group = tasks.batch.copy()
    group[cut_off] = len(batches) + cut_group.reshape(-1)
    first = np.full(groups, NEVER_NS)
    last = np.full(groups, -1, np.int64)
    rows = np.zeros(groups, np.int64)
    np.minimum.at(first, group, tasks.enqueue_ns)
    np.maximum.at(last, group, tasks.enqueue_ns)
    np.add.at(rows, group, np.maximum(tasks.size, 0))
    queue = np.concatenate((keys.of_batch, unseen[:, 0]))
    next_first = overflow_ns(queue, np.concatenate((batches.id, unseen[:, 1])), first)
    index = np.searchsorted(cut_off_ns, last[len(batches) :])
    taken = cut_off_ns[np.minimum(index, len(cut_off_ns) - 1)]
    return Arrivals(
        group=group,
        first_ns=first,
        last_ns=last,
        rows=rows,
        queue=queue,
        taken_ns=np.concatenate((batches.start_ns, np.maximum(taken, last[len(batches) :]))),
        next_first_ns=np.where(keys.is_mixed[queue], NEVER_NS, next_first),
    )


def find_pool(start_ns: Int64s, end_ns: Int64s, threads: Known) -> Pool:
    """The pool whose threads were busy in these intervals, which may overlap."""
    if isinstance(threads, Unavailable):
        return Pool(threads, EMPTY)
    return Pool(threads, at_least(start_ns, end_ns, max(1, threads.value)))


@dataclass(frozen=True, slots=True, eq=False)
class Readiness:
    """When a thread could take each group, and why it stopped taking rows.

    Attributes:
        ready_ns: (groups,) never after ``taken_ns``.
        reason_index: (groups,) into CLOSE_REASONS.
        is_known: (groups,) False where the queue's timeout is unknown and the size did not close
            the group.
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
    """Apply the scheduler's rules to every batch.

    Args:
        arrivals: All groups.
        tasks: Their tasks.
        timeout_ns: (queues,) NEVER_NS where unknown.
        max_rows: (queues,) rows at which a batch is full; NEVER_NS where unknown.
        all_busy: By pool, the intervals in which all of its threads were busy.
        pool_of_queue: (queues,) pool of each queue.
    """
    timeout = timeout_ns[arrivals.queue]
    full = filled_ns(arrivals.group, tasks.enqueue_ns, tasks.size, max_rows[arrivals.queue])
    closed = np.minimum(full, arrivals.next_first_ns)
    ready = ready_ns(closed, arrivals.first_ns, timeout, arrivals.taken_ns)
    by_size = is_closed_by_size(closed, arrivals.first_ns, timeout, arrivals.taken_ns)
    known = by_size | (timeout < NEVER_NS)
    known &= arrivals.first_ns < NEVER_NS
    waited = np.zeros(len(ready), np.bool_)
    for pool, busy in enumerate(all_busy):
        in_pool = pool_of_queue[arrivals.queue] == pool
        # A batch whose timeout is unknown waits for a thread from when none was free.
        unknown = np.flatnonzero(~known & in_pool & (arrivals.first_ns < NEVER_NS))
        first = arrivals.first_ns[unknown]
        stretch = np.searchsorted(busy.end_ns, first, side="right")
        held = np.maximum(first, np.append(busy.start_ns, NEVER_NS)[stretch])
        ready[unknown] = np.minimum(ready[unknown], held)
        waited |= in_pool & (covered_between(busy, ready, arrivals.taken_ns) > 0)
    return Readiness(ready, close_reason_index(by_size, known, timeout, waited), known)
