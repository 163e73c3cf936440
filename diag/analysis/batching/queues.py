"""Each queue's parameters, and when its batches could be taken by the scheduler's rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batch_threads import HeldSpans
from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.queue_keys import QueueKeys, find_pools
from diag.analysis.batching.queue_parameters import (
    SourcesInForce,
    choose_max_rows,
    choose_threads,
    choose_timeout,
    queues_of_pools,
    sources_in_force,
)
from diag.analysis.batching.queue_trace import QueueTrace, trace_queues
from diag.analysis.batching.queueing import (
    Arrivals,
    Known,
    Pool,
    Readiness,
    find_pool,
    find_readiness,
    gather_arrivals,
)
from diag.analysis.batching.refusals import Refusals
from diag.analysis.batching.told import Sources
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.events import Int64s
from diag.model.forever import FOREVER_NS
from diag.model.intervals import NEVER_NS
from diag.model.samples import MetricsPair
from diag.model.serving import Contradiction, Parameter
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
        contradictions: By queue, what was given for it and contradicts the trace.
        arrivals: The enqueues by batch.
        readiness: When each batch could be taken, and why.
    """

    keys: QueueKeys
    pool_of_queue: Int64s
    pools: tuple[Pool, ...]
    held_cut_off: HeldSpans
    max_rows: tuple[Known, ...]
    timeout: tuple[Known, ...]
    contradictions: tuple[tuple[Contradiction, ...], ...]
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
    refusals: Refusals,
) -> QueueState:
    """Find pools and parameters, then apply the scheduler's rules to every batch.

    The adaptive scheduler may take a batch from its first task on. Then the batch waits for one of
    the threads, as far as these are seen.

    Args:
        keys: The queues.
        batches: All recorded batches.
        tasks: All recorded tasks.
        held: Spans in which a batch thread held a batch: first those of ``batches``, then those of
            batches that the window cut off.
        window: The window of the capture.
        given: The server's batching parameters, if known.
        metrics: The server's metrics; their gauges give the parameters of BatchFunction ops.
        refusals: Tasks that a queue refused.
    """
    cut_off = held.where(slice(len(batches), None))
    taken_ns = cut_off.start_ns[cut_off.end_ns >= window.end_ns]
    cut_off_ns = np.sort(np.append(taken_ns, window.end_ns))
    arrivals = gather_arrivals(batches, tasks, keys, cut_off_ns)
    pool_of_queue = find_pools(keys, batches)
    traces = trace_queues(keys, batches, tasks, arrivals, held, pool_of_queue, refusals)
    sources = sources_in_force(Sources(keys, given, metrics), traces)
    pools = _describe_pools(keys, batches, held, traces, sources, pool_of_queue)
    timeout: list[Known] = []
    max_rows: list[Known] = []
    for queue, (trace, source) in enumerate(zip(traces, sources, strict=True)):
        busy = pools[pool_of_queue[queue]].all_busy
        timeout.append(choose_timeout(source, trace, busy))
        max_rows.append(choose_max_rows(source, trace, timeout[queue], busy))
    readiness = find_readiness(
        arrivals,
        tasks,
        np.array(
            [0 if q.is_adaptive else _or_never(t) for q, t in zip(traces, timeout, strict=True)],
            np.int64,
        ),
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
        contradictions=tuple(source.contradictions for source in sources),
        arrivals=arrivals,
        readiness=readiness,
    )


def _describe_pools(
    keys: QueueKeys,
    batches: Batches,
    held: HeldSpans,
    traces: tuple[QueueTrace, ...],
    sources: list[SourcesInForce],
    pool_of_queue: Int64s,
) -> tuple[Pool, ...]:
    """The size of each pool, and when all of its threads were busy."""
    pools: list[Pool] = []
    for queues in queues_of_pools(pool_of_queue):
        members = [sources[queue] for queue in queues]
        first = traces[queues[0]]
        threads = choose_threads(first.pool, members, is_adaptive=first.is_adaptive)
        lines = np.unique(batches.line[np.isin(keys.of_batch, queues)])
        busy = held.where(np.isin(held.line, lines))
        if first.is_adaptive:
            pools.append(Pool(threads, first.pool.busy))
        else:
            pools.append(find_pool(busy.start_ns, busy.end_ns, threads))
    return tuple(pools)


def _or_never(value: Known) -> int:
    """For columns: NEVER_NS where unknown, and no number of more than 62 bits."""
    return min(value.value, FOREVER_NS) if isinstance(value, Parameter) else NEVER_NS
