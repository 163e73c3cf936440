"""What was recorded of each queue, for estimates of its parameters and for checks of given ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batch_threads import HeldSpans
from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.queue_keys import ADAPTIVE, QueueKeys
from diag.analysis.batching.queueing import Arrivals
from diag.analysis.batching.refusals import Refusals, most_when_refusing
from diag.analysis.intervals.sets import EMPTY, at_least, covered_between
from diag.analysis.thresholds import IDLE_POLLS, SIZE_CLOSE_MAX_NS
from diag.model.events import Bools, Int64s
from diag.model.intervals import NEVER_NS, IntervalSet
from diag.simulation.options import POLL_PERIOD_NS


@dataclass(frozen=True, slots=True, eq=False)
class PoolTrace:
    """The recorded threads of a pool.

    Attributes:
        threads: Threads that processed a batch.
        busy: Intervals in which every one of these threads held a batch.
    """

    threads: int
    busy: IntervalSet


@dataclass(frozen=True, slots=True, eq=False)
class QueueTrace:
    """The batches of one queue, apart from those that the window cut off.

    Attributes:
        rows: (n,) before padding; -1 unknown.
        padded_rows: (n,) as executed; -1 unknown.
        first_ns: (n,) first enqueue; NEVER_NS if none was recorded.
        last_ns: (n,) last enqueue; -1 if none was recorded.
        taken_ns: (n,) a thread took it.
        next_first_ns: (n,) first enqueue into the queue's next batch; NEVER_NS if none.
        next_rows: (n,) rows of that task; 0 if none or unknown.
        is_whole: (n,) whether the enqueues of all of its rows were recorded.
        longest: Most of these batches that were in the queue at the same time.
        refused: Tasks that it refused although it takes such; 0 where several queues may have.
        refused_at: Most batches that were in it then, with those that the task needed.
        is_split: Whether its scheduler splits tasks.
        is_mixed: Whether these may be the batches of several queues: then their order tells
            nothing, and no parameter is common to them.
        is_adaptive: Whether the adaptive scheduler took them, whose rules are others.
        pool: The queue's threads.
    """

    rows: Int64s
    padded_rows: Int64s
    first_ns: Int64s
    last_ns: Int64s
    taken_ns: Int64s
    next_first_ns: Int64s
    next_rows: Int64s
    is_whole: Bools
    longest: int
    refused: int
    refused_at: int
    is_split: bool
    is_mixed: bool
    is_adaptive: bool
    pool: PoolTrace

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def largest_rows(self) -> int:
        """Rows of the largest batch; 0 if none is known."""
        return max(0, int(self.rows.max(initial=0)))

    @property
    def wait_ns(self) -> Int64s:
        """(n,) from the first enqueue to the dequeue, where ``is_whole``."""
        return self.taken_ns - self.first_ns

    @property
    def overflowed(self) -> Bools:
        """(n,) whether the next batch was opened before this one was taken."""
        return self.next_first_ns < self.taken_ns

    @property
    def sudden(self) -> Bools:
        """(n,) taken right after a later enqueue than the first: that one may have filled it."""
        soon = self.taken_ns - self.last_ns < SIZE_CLOSE_MAX_NS
        return np.asarray(soon & (self.last_ns > self.first_ns), np.bool_)

    def timed_out(self, timeout_ns: int, busy: IntervalSet) -> Bools:
        """(n,) batches that only a timeout can have released.

        They were not closed by their size, and a thread was free from the given timeout on.

        Args:
            timeout_ns: Not before this time after the first enqueue was a free thread needed.
            busy: When all threads were busy.
        """
        return self._released(np.minimum(self.first_ns + timeout_ns, self.taken_ns), busy)

    def taken_by_idle(self, busy: IntervalSet) -> Bools:
        """(n,) batches that an idle thread took when their timeout released them.

        A thread that was free for two polls before had looked and found none ready. What it did
        earlier, such as the end of the batch before, does not matter.

        Args:
            busy: When all threads were busy.
        """
        return self._released(
            np.maximum(self.first_ns, self.taken_ns - IDLE_POLLS * POLL_PERIOD_NS), busy
        )

    def _released(self, free_from_ns: Int64s, busy: IntervalSet) -> Bools:
        """(n,) not closed by their size, with a thread free from a time until they were taken."""
        waited = self.is_whole & ~self.overflowed & ~self.sudden
        waited &= covered_between(busy, free_from_ns, self.taken_ns) == 0
        smaller = waited & (self.rows < self.largest_rows)  # the largest may have been full
        return smaller if smaller.any() else waited


def trace_queues(
    keys: QueueKeys,
    batches: Batches,
    tasks: Tasks,
    arrivals: Arrivals,
    held: HeldSpans,
    pool_of_queue: Int64s,
    refusals: Refusals,
) -> tuple[QueueTrace, ...]:
    """What was recorded, by queue; Args as for ``describe_queues``."""
    n = len(batches)
    next_rows = _first_rows_of_next(batches, tasks, arrivals)
    seen = arrivals.first_ns[:n] < NEVER_NS
    whole = seen & (arrivals.rows[:n] == batches.rows)
    pools = [
        _trace_pool(np.isin(keys.of_batch, np.flatnonzero(pool_of_queue == pool)), batches, held)
        for pool in range(int(pool_of_queue.max(initial=-1)) + 1)
    ]
    traces = []
    is_only = len(keys.label) == 1  # a refused task does not tell its queue
    for queue in range(len(keys.label)):
        mine = np.flatnonzero(keys.of_batch == queue)
        queued = mine[seen[mine]]
        traces.append(
            QueueTrace(
                rows=batches.rows[mine],
                padded_rows=batches.padded_rows[mine],
                first_ns=arrivals.first_ns[mine],
                last_ns=arrivals.last_ns[mine],
                taken_ns=arrivals.taken_ns[mine],
                next_first_ns=arrivals.next_first_ns[mine],
                next_rows=next_rows[mine],
                is_whole=whole[mine],
                longest=_most_at_once(arrivals.first_ns[queued], arrivals.taken_ns[queued]),
                refused=len(refusals) if is_only else 0,
                refused_at=most_when_refusing(refusals, arrivals, queue) if is_only else 0,
                is_split=bool(keys.is_split[queue]),
                is_mixed=bool(keys.is_mixed[queue]),
                is_adaptive=keys.label[queue] == ADAPTIVE,
                pool=pools[pool_of_queue[queue]],
            )
        )
    return tuple(traces)


def _trace_pool(mine: Bools, batches: Batches, held: HeldSpans) -> PoolTrace:
    lines = np.unique(batches.line[mine])
    if not len(lines):
        return PoolTrace(0, EMPTY)
    busy = held.where(np.isin(held.line, lines))
    return PoolTrace(
        threads=len(lines),
        busy=at_least(busy.start_ns, busy.end_ns, len(lines)),
    )


def _first_rows_of_next(batches: Batches, tasks: Tasks, arrivals: Arrivals) -> Int64s:
    """(groups,) rows of the first task of the batch that follows in the queue; 0 if unknown."""
    first_rows = np.zeros(len(arrivals.first_ns), np.int64)
    order = np.lexsort((-tasks.enqueue_ns, arrivals.group))
    first_rows[arrivals.group[order]] = np.maximum(tasks.size[order], 0)  # the last one stays
    following = np.zeros(len(first_rows), np.int64)
    order = np.lexsort((arrivals.first_ns, arrivals.queue))
    is_next = arrivals.next_first_ns[order[:-1]] == arrivals.first_ns[order[1:]]
    following[order[:-1][is_next]] = first_rows[order[1:][is_next]]
    return following


def _most_at_once(start_ns: Int64s, end_ns: Int64s) -> int:
    """How many of these half-open intervals overlap at most."""
    if not len(start_ns):
        return 0
    at = np.concatenate((start_ns, end_ns))
    step = np.repeat(np.array([1, -1]), len(start_ns))
    order = np.lexsort((step, at))  # ends before starts
    return int(np.cumsum(step[order]).max())
