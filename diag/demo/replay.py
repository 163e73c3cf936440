"""Replay of a batch queue from the truth alone: what each request waited for.

When a batch could be taken follows the rules of ``diag.simulation``. When it was taken, and when
the batch threads were busy, comes from the truth. No trace is involved.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diag.analysis.intervals.sets import at_least
from diag.simulation.columns import filled_ns, overflow_ns, ready_ns
from diag.simulation.options import QueueOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from diag.demo.truth import BatchPart, RequestTruth
    from diag.model.events import Int64s


@dataclass(frozen=True, slots=True)
class BatcherSettings:
    """A queue with a thread pool of its own.

    Attributes:
        queue: Its parameters.
        num_batch_threads: Threads of its pool.
    """

    queue: QueueOptions
    num_batch_threads: int


def settings_from_facts(facts: Mapping[str, Any], model: str) -> BatcherSettings | None:
    """Settings of a model's queue by the facts of truth.json; None if the model is not batched."""
    batching = facts["batching"][model]
    if batching is None:
        return None
    queue = QueueOptions(
        max_batch_size=batching["max_batch_size"],
        batch_timeout_ns=batching["batch_timeout_micros"] * 1000,
        enable_large_batch_splitting=batching["max_execution_batch_size"]
        != batching["max_batch_size"],
        max_execution_batch_size=batching["max_execution_batch_size"],
    )
    return BatcherSettings(queue, batching["num_batch_threads"])


@dataclass(frozen=True, slots=True)
class Wait:
    """One request's time from its enqueue to the first op of its batch, in three parts.

    Attributes:
        fill_ns: No thread could take the batch yet: it was neither full nor past its timeout.
        thread_ns: A thread could take it, but all batch threads were busy. A thread goes straight
            from one batch to the next, so the rest of the wait counts here as well, hand-over
            included (splitting the one batch, forming the other).
        dispatch_ns: A thread could take it and one was free: polling, batch formation and launch,
            which the truth cannot tell apart.
    """

    fill_ns: int
    thread_ns: int
    dispatch_ns: int


@dataclass(slots=True)
class _Batch:
    start_ns: int
    end_ns: int
    tasks: list[tuple[int, int]]  # (enqueue, rows), ascending


def replay_queue(requests: Sequence[RequestTruth], settings: BatcherSettings) -> list[Wait]:
    """The waits of one queue's requests, in the order given.

    For a request in several batches: the wait for the batch that ends last.

    Args:
        requests: All OK requests of the queue, also those outside the window of interest.
        settings: Parameters of the queue and its pool.
    """
    batches = _opened_batches(requests)
    ready = dict(zip(map(_batch_key, batches), _ready_ns(batches, settings.queue), strict=True))
    start, end = _column(b.start_ns for b in batches), _column(b.end_ns for b in batches)
    busy = at_least(start, end, settings.num_batch_threads)
    spans = list(zip(busy.start_ns.tolist(), busy.end_ns.tolist(), strict=True))
    return [_wait(request, ready, spans) for request in requests]


def critical_part(request: RequestTruth) -> BatchPart:
    """The part that ends last, which the request waits for."""
    return max(request.parts, key=lambda part: part.end_unix_ns)


def _part_key(part: BatchPart) -> tuple[int, int]:
    return part.start_unix_ns, part.end_unix_ns


def _batch_key(batch: _Batch) -> tuple[int, int]:
    return batch.start_ns, batch.end_ns


def _opened_batches(requests: Sequence[RequestTruth]) -> list[_Batch]:
    """The batches in the order in which the queue opened them.

    A request that is cut opens several batches at one instant; these run in the order in which
    they were opened.
    """
    batches: dict[tuple[int, int], _Batch] = {}
    for request in sorted(requests, key=lambda r: r.ready_unix_ns):
        for part in request.parts:
            key = _part_key(part)
            batch = batches.setdefault(key, _Batch(*key, tasks=[]))
            batch.tasks.append((request.ready_unix_ns, part.rows))
    return sorted(batches.values(), key=lambda b: (b.tasks[0][0], b.start_ns))


def _ready_ns(batches: Sequence[_Batch], queue: QueueOptions) -> list[int]:
    """When each batch could be taken, never after it was."""
    numbers = np.arange(len(batches))
    first = _column(batch.tasks[0][0] for batch in batches)
    filled = filled_ns(
        np.repeat(numbers, _column(len(batch.tasks) for batch in batches)),
        _column(enqueue for batch in batches for enqueue, _ in batch.tasks),
        _column(rows for batch in batches for _, rows in batch.tasks),
        np.full(len(batches), queue.full_rows),
    )
    closed = np.minimum(filled, overflow_ns(np.zeros_like(numbers), numbers, first))
    timeout = np.full(len(batches), queue.batch_timeout_ns)
    taken = _column(batch.start_ns for batch in batches)
    return [int(at) for at in ready_ns(closed, first, timeout, taken)]


def _column(values: Iterable[int]) -> Int64s:
    return np.fromiter(values, np.int64)


def _wait(
    request: RequestTruth,
    ready: dict[tuple[int, int], int],
    busy: list[tuple[int, int]],
) -> Wait:
    part = critical_part(request)
    enqueue, taken = request.ready_unix_ns, part.start_unix_ns
    can_be_taken = min(max(ready[_part_key(part)], enqueue), max(taken, enqueue))
    busy_from = _first_busy_ns(busy, can_be_taken, taken)
    return Wait(
        fill_ns=can_be_taken - enqueue,
        thread_ns=max(0, taken - busy_from),
        dispatch_ns=min(busy_from, max(taken, can_be_taken)) - can_be_taken,
    )


def _first_busy_ns(busy: list[tuple[int, int]], start: int, end: int) -> int:
    """The first moment in [start, end) at which all threads were busy; ``end`` if there is none."""
    position = max(0, bisect_right(busy, (start, start)) - 1)
    for low, high in busy[position:]:
        if low >= end:
            break
        if high > start:
            return max(low, start)
    return max(start, end)
