"""The parameters of each queue: those that were told, where the trace does not contradict them.

Nearer to the running server wins: the trace itself, then the server's gauges, then a file. A source
that one of the queue's batches contradicts is not used for that queue, in none of its fields: it is
not the configuration in force. Then the trace gives estimates (docs/decisions/0029).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.contradictions import find_contradictions
from diag.analysis.batching.estimates import estimate_max_batch, estimate_timeout
from diag.analysis.batching.queue_trace import PoolTrace, QueueTrace
from diag.analysis.batching.queueing import Known
from diag.analysis.batching.told import Sources, Told
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.intervals import IntervalSet
from diag.model.serving import Conflict, Contradiction, Origin, Parameter

# W:tensorflow/core/kernels/batching_util/adaptive_shared_batch_scheduler.h: a thread that becomes
# free takes the best batch, full or not; how many may run at a time is tuned meanwhile.
_ADAPTIVE = Unavailable(
    "the adaptive scheduler takes a batch when a thread is free, full or not, and changes how many "
    "run at a time"
)
_MIXED = Unavailable("several queues share batch ids and threads: nothing tells them apart")


@dataclass(frozen=True, slots=True)
class SourcesInForce:
    """The sources of one queue that may be used, and what contradicts the others.

    Attributes:
        trusted: The nearest to the server first.
        contradictions: Of all sources.
    """

    trusted: tuple[Told, ...]
    contradictions: tuple[Contradiction, ...]


def sources_in_force(sources: Sources, traces: tuple[QueueTrace, ...]) -> list[SourcesInForce]:
    """By queue, which of its sources fit the trace and each other."""
    return [_in_force(sources.of_queue(index), queue) for index, queue in enumerate(traces)]


def _in_force(told: tuple[Told, ...], queue: QueueTrace) -> SourcesInForce:
    if queue.is_mixed:
        return SourcesInForce((), ())
    trusted: list[Told] = []
    contradictions: list[Contradiction] = []
    for source in told:
        seen = find_contradictions(source, queue)
        named = {each.parameter for each in seen}
        found = (
            *seen,
            *(each for each in _against(source, trusted) if each.parameter not in named),
        )
        contradictions += found
        if not found:
            trusted.append(source)
    return SourcesInForce(tuple(trusted), tuple(contradictions))


def _against(source: Told, nearer: list[Told]) -> tuple[Contradiction, ...]:
    """The fields that a source nearer to the server tells otherwise."""
    found = []
    for other in nearer:
        for name in other.numbers:
            here, there = source.number(name), other.number(name)
            if here is None or there is None or here.value == there.value:
                continue
            conflict = Conflict.SERVER_DIFFERS
            given = str(here.value)
            found.append(Contradiction(name, given, source.origin, conflict, there.value))
    return tuple(found)


def choose_threads(
    pool: PoolTrace, members: list[SourcesInForce], *, is_adaptive: bool = False
) -> Known:
    """num_batch_threads of a pool.

    Args:
        pool: Its recorded threads: the estimate where no source tells.
        members: The sources of the queues that it serves. A source that contradicts one of them is
            not used for the pool.
        is_adaptive: Whether the adaptive scheduler uses them.
    """
    if is_adaptive:
        return _ADAPTIVE
    doubted = {_kind(each.origin) for member in members for each in member.contradictions}
    for member in members:
        for source in member.trusted:
            if source.threads is not None and source.origin not in doubted:
                return source.threads
    if not pool.threads:
        return Unavailable("no batch of this queue was recorded whole")
    return Parameter(pool.threads, Origin.ESTIMATED)


def choose_timeout(sources: SourcesInForce, queue: QueueTrace, busy: IntervalSet) -> Known:
    """batch_timeout_micros of a queue in ns; ``busy`` is when all of its threads were busy."""
    if queue.is_mixed:
        return _ADAPTIVE if queue.is_adaptive else _MIXED
    for source in sources.trusted:
        if source.timeout is not None:
            return source.timeout
    return estimate_timeout(queue, busy)


def choose_max_rows(
    sources: SourcesInForce, queue: QueueTrace, timeout: Known, busy: IntervalSet
) -> Known:
    """The rows at which a batch of a queue is full.

    A gauge that only bounds them is used where the trace gives no estimate.
    """
    if queue.is_mixed:
        return _ADAPTIVE if queue.is_adaptive else _MIXED
    for source in sources.trusted:
        if source.full_rows is not None:
            return source.full_rows
    observed = estimate_max_batch(queue, timeout, busy)
    bounds = (source.number("max_batch_size") for source in sources.trusted)
    bound = next((each for each in bounds if each is not None), None)
    return observed if isinstance(observed, Parameter) or bound is None else bound


def queues_of_pools(pool_of_queue: Int64s) -> list[list[int]]:
    """By pool, the queues that it serves."""
    pools = range(int(pool_of_queue.max(initial=-1)) + 1)
    return [np.flatnonzero(pool_of_queue == pool).tolist() for pool in pools]


def _kind(origin: Origin) -> Origin:
    """A default is what a file leaves out."""
    return Origin.FILE if origin is Origin.DEFAULT else origin
