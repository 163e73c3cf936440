"""Tasks of batch ids that several queues share, linked to their batches by rows and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from diag.analysis.batching.batches import Batches, Tasks
from diag.formats.trace import event_names as ev
from diag.model.events import Int64s

# The analysis loops over the ids that queues share, and over the batches that bear one. Of an id
# there are as many as queues, and a server has tens. In TensorFlow 2.3 nearly every id is shared,
# by batches of all queues. Beyond these numbers no link is claimed.
_SHARED_IDS_MAX = 20_000
_SHARING_MAX = 2_000


def link_shared_ids(tasks: Tasks, batches: Batches) -> Tasks:
    """Link tasks of batch ids that several queues may share.

    Every queue gives its first batch the id 0. In TensorFlow 2.3 every queue counts its batches
    from 0, without a number of its own in the id; there an id that came twice is of two queues.
    """
    low = (batches.id >= 0) & (batches.id < 1 << 32)
    shared = np.flatnonzero(low & (batches.kind == ev.CONTEXT_BATCH_SCHEDULER))
    ids, count = np.unique(batches.id[shared], return_counts=True)
    ids = ids[(ids == 0) | (count > 1)]
    wanted = np.isin(tasks.id, ids) & (tasks.kind == ev.CONTEXT_BATCH_SCHEDULER)
    waiting = np.flatnonzero(wanted)
    waiting = waiting[np.argsort(tasks.id[waiting], kind="stable")]
    shared = shared[np.lexsort((batches.start_ns[shared], batches.id[shared]))]
    batch, ambiguous = tasks.batch.copy(), tasks.is_ambiguous.copy()
    batch[waiting] = -1
    if len(ids) > _SHARED_IDS_MAX or count.max(initial=0) > _SHARING_MAX:
        ambiguous[waiting] = True
        return replace(tasks, batch=batch, is_ambiguous=ambiguous)
    edges = [
        (np.searchsorted(of, ids), np.searchsorted(of, ids, side="right"))
        for of in (tasks.id[waiting], batches.id[shared])
    ]
    for mine in zip(*edges[0], *edges[1], strict=True):
        first_task, last_task, first_batch, last_batch = mine
        pending = waiting[first_task:last_task]
        for b, taken in _take_by_rows(tasks, batches, pending, shared[first_batch:last_batch]):
            batch[taken] = b
            ambiguous[taken] = b < 0
    return replace(tasks, batch=batch, is_ambiguous=ambiguous)


def _take_by_rows(
    tasks: Tasks, batches: Batches, pending: Int64s, candidates: Int64s
) -> Iterator[tuple[int, Int64s]]:
    """Yield each batch with the tasks it took, of one id that each of the batches bears.

    A batch takes the tasks enqueued before it if they make up its rows exactly. If the window has
    only one such batch, they may also be fewer: the others were enqueued before the window. All
    other tasks are ambiguous, as some of them went into the batch of another queue: they come
    with -1.

    Args:
        tasks: All tasks.
        batches: All batches.
        pending: Tasks with the id.
        candidates: Batches with the id, by begin.
    """
    ordered = pending[np.argsort(tasks.enqueue_ns[pending], kind="stable")]
    rows_before = np.append(0, np.cumsum(np.maximum(tasks.size[ordered], 0)))
    ends = np.searchsorted(
        tasks.enqueue_ns[ordered], batches.start_ns[candidates], side="right"
    ).tolist()
    begin = doubted = 0
    for b, end in zip(candidates.tolist(), ends, strict=True):
        rows = rows_before[end] - rows_before[begin]
        fits = rows == batches.rows[b] or batches.rows[b] < 0
        if not fits and (len(candidates) > 1 or rows > batches.rows[b]):
            doubted = end
            continue
        yield b, ordered[begin:end]
        begin = end
    yield -1, ordered[begin:doubted]
