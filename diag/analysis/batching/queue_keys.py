"""Which queue and thread pool each batch and task belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.unnamed_queues import nearest_queue, queues_by_thread
from diag.errors import InputError
from diag.formats.trace.event_names import CONTEXT_BATCH_SCHEDULER
from diag.model.events import Bools, Int64s

# The analysis loops over queues and threads; a server has tens of each.
QUEUES_MAX = 2_000
BATCH_THREADS_MAX = 4_000

# Marks a task of a BatchingSession where a task of a BatchFunction has the index of its op's name.
NO_OP = -2

ADAPTIVE = "adaptive"  # label of the queues of the adaptive scheduler

# Keys of queues whose batch ids have no high half.
_ADAPTIVE = -1
_FIRST_UNNAMED = -2  # and downwards
_MIXED = "unnamed-mixed"
_SHARED_LABELS = (_MIXED, ADAPTIVE)


@dataclass(frozen=True, slots=True, eq=False)
class QueueKeys:
    """The distinct queues, and the queue of every batch and task.

    Attributes:
        label: (queues,) the high half of the batch ids in hex; ``first`` for batches of id 0 that
            may belong to several queues; for ids without a high half (TensorFlow 2.3) ``unnamed``,
            or ``unnamed-1`` and so on where their threads tell several apart; ``adaptive`` for the
            adaptive scheduler.
        is_mixed: (queues,) whether its batches may be of several queues that nothing tells apart:
            so it is with the adaptive scheduler, whose queues count their batches together.
        is_function: (queues,) whether tasks came from a BatchFunction op.
        op_name: (queues,) node name of that op, "" if none or unknown.
        is_split: (queues,) whether its scheduler splits tasks that do not fit into a batch.
        of_batch: (batches,) queue of each batch.
        of_task: (tasks,) queue of each task.
    """

    label: tuple[str, ...]
    is_mixed: Bools
    is_function: Bools
    op_name: tuple[str, ...]
    is_split: Bools
    of_batch: Int64s
    of_task: Int64s


def find_queues(
    batches: Batches, tasks: Tasks, task_op: Int64s, names: tuple[str, ...]
) -> QueueKeys:
    """Identify queues by the high half of their batch ids.

    Args:
        batches: All batches.
        tasks: All tasks.
        task_op: (tasks,) index into ``names`` of the BatchFunction that enqueued the task; -1 if it
            has no name, NO_OP for a task of a BatchingSession.
        names: Interned texts.

    Raises:
        InputError: More queues or batch threads than any server has.
    """
    ids = np.concatenate((batches.id, tasks.id))
    kinds = np.concatenate((batches.kind, tasks.kind))
    high = (ids.view(np.uint64) >> np.uint64(32)).astype(np.int64)
    shared = kinds == CONTEXT_BATCH_SCHEDULER
    key = np.where(shared, high, _ADAPTIVE)
    # The first batch of a queue has id 0. With one queue in the window it belongs to that queue.
    others = np.unique(key[shared & (ids != 0)])
    if len(others) == 1:
        key[shared & (ids == 0)] = others[0]
    unnamed = _tell_unnamed_apart(key, batches, tasks)
    distinct, code = np.unique(key, return_inverse=True)
    threads = len(np.unique(batches.line))
    if len(distinct) > QUEUES_MAX or threads > BATCH_THREADS_MAX:
        raise InputError(
            f"the trace has {len(distinct)} batching queues on {threads} threads",
            cause=f"diag analyses up to {QUEUES_MAX} queues on {BATCH_THREADS_MAX} threads",
            hint="check that the file is undamaged",
        )
    of_batch, of_task = code[: len(batches)], code[len(batches) :]
    op = np.full(len(distinct), NO_OP, np.int64)
    np.maximum.at(op, of_task, task_op)
    is_split = np.zeros(len(distinct), np.bool_)
    is_split[of_task[tasks.is_split]] = True
    special = {_ADAPTIVE: ADAPTIVE, 0: "first"} | unnamed
    return QueueKeys(
        label=tuple(special.get(int(k), f"{int(k):08x}") for k in distinct),
        is_mixed=np.isin(distinct, [k for k, label in special.items() if label in _SHARED_LABELS]),
        is_function=op > NO_OP,
        op_name=tuple(names[i] if i >= 0 else "" for i in op),
        is_split=is_split,
        of_batch=of_batch,
        of_task=of_task,
    )


def queue_name(label: str) -> str:
    """What requests of a queue are called where nothing names their model."""
    return f"queue {label}"


def _tell_unnamed_apart(key: Int64s, batches: Batches, tasks: Tasks) -> dict[int, str]:
    """Give the queues of ids without a high half keys of their own, in place.

    Args:
        key: (batches + tasks,) the high half of each id.
        batches: All batches.
        tasks: All tasks.

    Returns:
        The labels of such keys.
    """
    n = len(batches)
    b, t = np.flatnonzero(key[:n] == 0), np.flatnonzero(key[n:] == 0)
    if not (batches.id[b].any() or tasks.id[t].any()):
        return {}  # the first batch of a queue with a name
    queue = queues_by_thread(batches.line[b], batches.id[b], batches.start_ns[b])
    if queue is None:
        return {0: _MIXED}
    if not queue.any():
        return {0: "unnamed"}
    key[b] = _FIRST_UNNAMED - queue
    batch = tasks.batch[t]
    nearest = _FIRST_UNNAMED - nearest_queue(batches.id[b], queue, tasks.id[t])
    key[n + t] = np.where(batch >= 0, key[batch], nearest)
    return {_FIRST_UNNAMED - i: f"unnamed-{i + 1}" for i in range(int(queue.max()) + 1)}


def find_pools(keys: QueueKeys, batches: Batches) -> Int64s:
    """(queues,) index of each queue's pool: queues whose batches ran on one thread share a pool."""
    pool = np.arange(len(keys.label))
    pairs = np.unique(np.stack((batches.line, keys.of_batch), axis=1), axis=0)
    for line in np.unique(pairs[:, 0]):
        members = np.unique(pool[pairs[pairs[:, 0] == line, 1]])
        pool[np.isin(pool, members)] = members[0]
    return np.unique(pool, return_inverse=True)[1]
