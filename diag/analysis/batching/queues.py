"""Each queue's parameters, and when its batches could be taken by the scheduler's rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batch_threads import HeldSpans
from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.queue_keys import QueueKeys, find_pools
from diag.analysis.batching.queue_parameters import KnownParameters
from diag.analysis.batching.queueing import (
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
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.events import Int64s
from diag.model.intervals import NEVER_NS
from diag.model.samples import MetricsPair
from diag.model.serving import Origin, Parameter
from diag.model.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class QueueState:
    """Input and result of the scheduler's rules.

    Attributes:
        keys: The queues.
        pool_of_queue: (queues,) index of each queue's pool.
        pools: The pools of batch threads.
        held_cut_off: Spans in which a thread held a batch that the window cut off.
        max_rows: By queue, the rows at which a batch is full.
        timeout: By queue, batch_timeout_micros in ns.
        arrivals: The enqueues by batch.
        readiness: When each batch could be taken, and why.
    """

    keys: QueueKeys
    pool_of_queue: Int64s
    pools: tuple[Pool, ...]
    held_cut_off: HeldSpans
    max_rows: tuple[Known, ...]
    timeout: tuple[Known, ...]
    arrivals: Arrivals
    readiness: Readiness


def describe_queues(
    keys: QueueKeys,
    batches: Batches,
    tasks: Tasks,
    held: HeldSpans,
    window: Window,
    given: BatchingParameters | None,
    metrics: MetricsPair | Unavailable,
) -> QueueState:
    """Find pools and parameters, then apply the scheduler's rules to every batch.

    Args:
        keys: The queues.
        batches: All recorded batches.
        tasks: All recorded tasks.
        held: Spans in which a batch thread held a batch: first those of ``batches``, then those of
            batches that the window cut off.
        window: The window of the capture.
        given: The server's batching parameters, if known.
        metrics: The server's metrics; their gauges give the parameters of BatchFunction ops.
    """
    known = KnownParameters(keys, given, metrics)
    cut_off = held.where(slice(len(batches), None))
    taken_ns = cut_off.start_ns[cut_off.end_ns >= window.end_ns]
    cut_off_ns = np.sort(np.append(taken_ns, window.end_ns))
    arrivals = gather_arrivals(batches, tasks, keys.of_batch, keys.of_task, cut_off_ns)
    pool_of_queue = find_pools(keys, batches)
    pools = _describe_pools(keys, batches, held, pool_of_queue, known)
    timeout: list[Known] = []
    max_rows: list[Known] = []
    for queue in range(len(keys.label)):
        members = np.flatnonzero(keys.of_batch == queue)
        pool = pools[pool_of_queue[queue]]
        wait = known.timeout_ns(queue)
        if wait is None:
            wait = estimate_timeout(arrivals, members, pool)
        observed = estimate_max_batch(arrivals, batches, members, wait, pool)
        timeout.append(wait)
        max_rows.append(_full_rows(known.max_rows(queue), observed, is_split=keys.is_split[queue]))
    readiness = find_readiness(
        arrivals,
        tasks,
        np.array([_or_never(t) for t in timeout], np.int64),
        np.array([_or_never(m) for m in max_rows], np.int64),
        [pool.all_busy for pool in pools],
        pool_of_queue,
    )
    return QueueState(
        keys=keys,
        pool_of_queue=pool_of_queue,
        pools=pools,
        held_cut_off=cut_off,
        max_rows=tuple(max_rows),
        timeout=tuple(timeout),
        arrivals=arrivals,
        readiness=readiness,
    )


def _describe_pools(
    keys: QueueKeys,
    batches: Batches,
    held: HeldSpans,
    pool_of_queue: Int64s,
    known: KnownParameters,
) -> tuple[Pool, ...]:
    """The size of each pool, and when all of its threads were busy."""
    pools: list[Pool] = []
    for pool in range(int(pool_of_queue.max(initial=-1)) + 1):
        queues = np.flatnonzero(pool_of_queue == pool)
        lines = np.unique(batches.line[np.isin(keys.of_batch, queues)])
        busy = held.where(np.isin(held.line, lines))
        pools.append(find_pool(busy.start_ns, busy.end_ns, known.threads(queues, len(lines))))
    return tuple(pools)


def _full_rows(given: Parameter | None, observed: Known, *, is_split: bool) -> Known:
    """Rows at which a batch is full: as given, else as observed.

    A gauge limits what is enqueued; a scheduler that splits may execute smaller batches.
    """
    if given is None:
        return observed
    is_bound = given.origin is Origin.METRICS and is_split
    return observed if is_bound and isinstance(observed, Parameter) else given


def _or_never(value: Known) -> int:
    return value.value if isinstance(value, Parameter) else NEVER_NS
