"""Which queue and thread pool each batch belongs to, and with what parameters they ran."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batches import Batches, Tasks
from diag.analysis.intervals import Set, union
from diag.analysis.queueing import (
    NEVER_NS,
    Arrivals,
    Known,
    Pool,
    Readiness,
    estimate_max_batch,
    estimate_timeout,
    find_pool,
    find_readiness,
    gather_arrivals,
)
from diag.errors import InputError
from diag.formats.event_names import CONTEXT_BATCH_SCHEDULER
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.events import Bools, Int64s
from diag.model.samples import MetricsPair
from diag.model.serving import Origin, Parameter
from diag.model.window import Window

# Server defaults for a field the file leaves out: session_bundle_config.proto and
# shared_batch_scheduler.h (tensorflow/serving 9d981c5c, TensorFlow 2.21).
DEFAULT_MAX_BATCH_SIZE = 1000
DEFAULT_BATCH_TIMEOUT_MICROS = 0

# Work is done queue by queue and thread by thread; a server has tens of either.
QUEUES_MAX = 2_000
BATCH_THREADS_MAX = 4_000

# In place of an op's name: the task came from a BatchingSession.
NO_OP = -2


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """The distinct queues, and the queue of every batch and task.

    Attributes:
        label: (queues,) the high half of the batch ids in hex; ``first`` for batches of id 0 that
            could belong to several queues, ``adaptive`` for the adaptive scheduler.
        is_function: (queues,) whether tasks came from a BatchFunction op.
        op_name: (queues,) node name of that op, "" if none or unknown.
        of_batch: (batches,).
        of_task: (tasks,).
    """

    label: tuple[str, ...]
    is_function: Bools
    op_name: tuple[str, ...]
    of_batch: Int64s
    of_task: Int64s


@dataclass(frozen=True, slots=True)
class QueueState:
    """Everything the scheduler's rules need and gave.

    Attributes:
        keys: The queues.
        pool_of_queue: (queues,).
        pools: By pool.
        held: When any batch thread held a batch, also one that the window cut off.
        max_rows: (queues,) parameter by queue.
        timeout: (queues,) batch_timeout_micros in ns.
        arrivals: Enqueues by batch.
        readiness: When each batch could be taken, and why.
    """

    keys: QueueKeys
    pool_of_queue: Int64s
    pools: tuple[Pool, ...]
    held: Set
    max_rows: tuple[Known, ...]
    timeout: tuple[Known, ...]
    arrivals: Arrivals
    readiness: Readiness


def find_queues(
    batches: Batches, tasks: Tasks, task_op: Int64s, names: tuple[str, ...]
) -> QueueKeys:
    """Tell queues apart by the high half of their batch ids.

    Args:
        batches: All.
        tasks: All.
        task_op: (tasks,) index into ``names`` of the BatchFunction that enqueued it; -1 for one
            without a name, NO_OP for a task of a BatchingSession.
        names: Interned texts.

    Raises:
        InputError: More queues or batch threads than any server has.
    """
    ids = np.concatenate((batches.id, tasks.id))
    kinds = np.concatenate((batches.kind, tasks.kind))
    high = (ids.view(np.uint64) >> np.uint64(32)).astype(np.int64)
    shared = kinds == CONTEXT_BATCH_SCHEDULER
    key = np.where(shared, high, -1)
    # The first batch of a queue has id 0; with one queue in the window it can only be that one's.
    others = np.unique(key[shared & (ids != 0)])
    if len(others) == 1:
        key[shared & (ids == 0)] = others[0]
    distinct, code = np.unique(key, return_inverse=True)
    threads = len(np.unique(batches.line))
    if len(distinct) > QUEUES_MAX or threads > BATCH_THREADS_MAX:
        raise InputError(
            f"the trace claims {len(distinct)} batching queues on {threads} threads",
            cause=f"diag analyses up to {QUEUES_MAX} queues on {BATCH_THREADS_MAX} threads",
            hint="check that the file is undamaged",
        )
    of_batch, of_task = code[: len(batches)], code[len(batches) :]
    op = np.full(len(distinct), NO_OP, np.int64)
    np.maximum.at(op, of_task, task_op)
    special = {-1: "adaptive", 0: "first"}
    return QueueKeys(
        label=tuple(special.get(int(k), f"{int(k):08x}") for k in distinct),
        is_function=op > NO_OP,
        op_name=tuple(names[i] if i >= 0 else "" for i in op),
        of_batch=of_batch,
        of_task=of_task,
    )


def _pools(keys: QueueKeys, batches: Batches) -> Int64s:
    """Queues whose batches ran on a common thread share a pool; a pool number for each queue."""
    pool = np.arange(len(keys.label))
    pairs = np.unique(np.stack((batches.line, keys.of_batch), axis=1), axis=0)
    for line in np.unique(pairs[:, 0]):
        members = np.unique(pool[pairs[pairs[:, 0] == line, 1]])
        pool[np.isin(pool, members)] = members[0]
    return np.unique(pool, return_inverse=True)[1]


def describe_queues(
    keys: QueueKeys,
    batches: Batches,
    tasks: Tasks,
    busy: tuple[Int64s, Int64s, Int64s],
    window: Window,
    given: BatchingParameters | None,
    metrics: MetricsPair | Unavailable,
) -> QueueState:
    """Find pools and parameters, then apply the scheduler's rule to every batch.

    Args:
        keys: The queues.
        batches: All.
        tasks: All.
        busy: Line, start and end of every span in which a batch thread held a batch, including
            those whose ProcessBatch was cut off.
        window: The capture's.
        given: The server's batching parameters, if known.
        metrics: Its metrics, whose gauges tell the parameters of BatchFunction ops.
    """
    known = _KnownParameters(keys, given, metrics)
    pool_of_queue = _pools(keys, batches)
    # Spans that no ProcessBatch stands for and that last to the end: batches cut off there.
    _, held_from, held_to = (column[len(batches) :] for column in busy)
    cut_off = np.sort(np.append(held_from[held_to >= window.end_ns], window.end_ns))
    arrivals = gather_arrivals(batches, tasks, keys.of_batch, keys.of_task, cut_off)
    pools: list[Pool] = []
    for pool in range(int(pool_of_queue.max(initial=-1)) + 1):
        queues = np.flatnonzero(pool_of_queue == pool)
        lines = np.unique(batches.line[np.isin(keys.of_batch, queues)])
        mine = np.isin(busy[0], lines)
        pools.append(find_pool(busy[1][mine], busy[2][mine], known.threads(queues, len(lines))))
    timeout: list[Known] = []
    max_rows: list[Known] = []
    for queue in range(len(keys.label)):
        members = np.flatnonzero(keys.of_batch == queue)
        wait = known.timeout_ns(queue)
        if wait is None:
            wait = estimate_timeout(arrivals, members, pools[pool_of_queue[queue]])
        size = known.max_rows(queue)
        if size is None:
            size = estimate_max_batch(arrivals, batches, members, wait)
        timeout.append(wait)
        max_rows.append(size)
    readiness = find_readiness(
        arrivals,
        tasks,
        np.array([_or_never(t) for t in timeout], np.int64),
        np.array([_or_never(m) for m in max_rows], np.int64),
        [pool.all_busy for pool in pools],
        pool_of_queue,
    )
    return QueueState(
        keys,
        pool_of_queue,
        tuple(pools),
        union(busy[1], busy[2]),
        tuple(max_rows),
        tuple(timeout),
        arrivals,
        readiness,
    )


def _or_never(value: Known) -> int:
    return value.value if isinstance(value, Parameter) else NEVER_NS


class _KnownParameters:
    """Parameters that need no estimate: from the server's file or its metrics.

    A batching_parameters_file configures BatchingSession; where there is none in the capture (an
    in-graph batcher set up with the same numbers) it is taken for the BatchFunction queues.
    """

    def __init__(
        self,
        keys: QueueKeys,
        given: BatchingParameters | None,
        metrics: MetricsPair | Unavailable,
    ) -> None:
        self._keys = keys
        self._given = given
        self._for_functions = bool(keys.is_function.all())
        self._gauges: dict[tuple[str, str], int] = {}
        if isinstance(metrics, MetricsPair):
            for sample in metrics.after:
                name = sample.name.rpartition(":")[2]
                if ":batching:" in sample.name and name in _GAUGES:
                    op = dict(sample.labels).get("op_name", "")
                    self._gauges[name, op] = int(sample.value)

    def timeout_ns(self, queue: int) -> Known | None:
        """batch_timeout_micros in ns."""
        file = self._file(queue)
        if file is not None:
            micros = file.batch_timeout_micros
            value = DEFAULT_BATCH_TIMEOUT_MICROS if micros is None else micros
            return Parameter(value * 1000, Origin.FILE)
        gauge = self._gauge("batch_timeout_micros", queue)
        return None if gauge is None else Parameter(gauge * 1000, Origin.METRICS)

    def max_rows(self, queue: int) -> Known | None:
        """The rows at which a batch is full."""
        file = self._file(queue)
        if file is not None:
            size = (
                file.max_batch_size if file.max_batch_size is not None else DEFAULT_MAX_BATCH_SIZE
            )
            if file.enable_large_batch_splitting and file.max_execution_batch_size:
                size = file.max_execution_batch_size
            return Parameter(size, Origin.FILE)
        gauge = self._gauge("max_batch_size", queue)
        return None if gauge is None else Parameter(gauge, Origin.METRICS)

    def threads(self, queues: Int64s, seen: int) -> Known:
        """num_batch_threads of a pool; estimated by the threads that were seen to run a batch."""
        for queue in queues.tolist():
            file = self._file(queue)
            if file is not None and file.num_batch_threads is not None:
                return Parameter(file.num_batch_threads, Origin.FILE)
            gauge = self._gauge("num_batch_threads", queue)
            if gauge is not None:
                return Parameter(gauge, Origin.METRICS)
        if not seen:
            return Unavailable("no batch of this queue was recorded whole")
        return Parameter(seen, Origin.ESTIMATED)

    def _file(self, queue: int) -> BatchingParameters | None:
        applies = self._for_functions or not self._keys.is_function[queue]
        return self._given if applies else None

    def _gauge(self, name: str, queue: int) -> int | None:
        """The gauge of this queue's op; gauges without an op hold for all."""
        if not self._keys.is_function[queue]:
            return None
        node = self._keys.op_name[queue]
        for (gauge, op), value in self._gauges.items():
            if gauge == name and (not op or node == op or node.endswith("/" + op)):
                return value
        return None


# Gauges of BatchFunction: tensorflow/core/kernels/batching_util/batch_resource_base.cc, 2.21.
_GAUGES = frozenset({"batch_timeout_micros", "max_batch_size", "num_batch_threads"})
