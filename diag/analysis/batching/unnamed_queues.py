"""Queues whose batch ids have no name in them, told apart by the threads that serve them.

In TensorFlow 2.3 a batch id only counts the batches of its queue, from 0 on, so the queues of two
batchers use the same ids (recorded with 2.3.4). Each in-graph batcher has threads of its own
(kernels/batch_kernels.cc, TensorFlow 2.3), and threads take the batches of a queue in the order of
their ids.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.thresholds import NEARLY_ALL_RATIO
from diag.model.events import Int64s

# Every thread is compared with the queues found before it. Beyond this number none is told apart.
_THREADS_MAX = 64


def queues_by_thread(line: Int64s, batch_id: Int64s, start_ns: Int64s) -> Int64s | None:
    """The queue of each batch, numbered from 0 in the order of their first batches.

    Threads serve one queue if their batches, in the order in which they were taken, have ascending
    ids. Nearly all must: a thread that is preempted right after it took a batch is recorded late.

    Args:
        line: (n,) thread of each batch.
        batch_id: (n,) ids without a name of the queue.
        start_ns: (n,) when the thread took it.

    Returns:
        (n,), or None where one thread serves several queues: then nothing tells them apart.
    """
    order = np.argsort(start_ns, kind="stable")
    threads = line[order[np.sort(np.unique(line[order], return_index=True)[1])]]
    if len(threads) > _THREADS_MAX:
        return None
    queues: list[Int64s] = []
    for thread in threads.tolist():
        mine = order[line[order] == thread]
        if (np.diff(batch_id[mine]) <= 0).any():
            return None
        fits = [
            (_holes(batch_id[np.append(theirs, mine)]), number)
            for number, theirs in enumerate(queues)
            if _are_in_order(mine, theirs, batch_id, start_ns)
        ]
        if fits:
            number = min(fits)[1]
            queues[number] = np.append(queues[number], mine)
        else:
            queues.append(mine)
    queue = np.zeros(len(line), np.int64)
    for number, members in enumerate(queues):
        queue[members] = number
    return queue


def nearest_queue(batch_id: Int64s, queue: Int64s, wanted: Int64s) -> Int64s:
    """The queue of batches that were not recorded: the one that counted up to the nearest id.

    Args:
        batch_id: (n,) ids of the recorded batches.
        queue: (n,) their queues, as of ``queues_by_thread``.
        wanted: (k,) ids of the others.
    """
    last = np.array([batch_id[queue == each].max() for each in range(int(queue.max()) + 1)])
    return np.asarray(np.abs(wanted[:, None] - last).argmin(axis=1), np.int64)


def _are_in_order(mine: Int64s, theirs: Int64s, batch_id: Int64s, start_ns: Int64s) -> bool:
    """Whether one thread's batches fit between those of the other threads of a queue."""
    if np.isin(batch_id[mine], batch_id[theirs]).any():
        return False
    ordered = theirs[np.argsort(start_ns[theirs], kind="stable")]
    position = np.searchsorted(start_ns[ordered], start_ns[mine])
    ids = np.concatenate(([-1], batch_id[ordered], [np.iinfo(np.int64).max]))
    fits = (ids[position] < batch_id[mine]) & (batch_id[mine] < ids[position + 1])
    return bool(np.count_nonzero(fits) >= NEARLY_ALL_RATIO * len(mine))


def _holes(ids: Int64s) -> int:
    """How many ids between the first and the last are missing."""
    return int(ids.max() - ids.min()) + 1 - len(ids)
