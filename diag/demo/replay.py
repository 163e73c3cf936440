"""The batch queue, replayed from the truth alone: what each request waited for.

The rules are those of TensorFlow's shared_batch_scheduler.h (2.21): a batch may be taken once it is
full, once the next one was opened, or once the timeout has passed since its first task; a batch
thread takes one at a time. Nothing here looks at a trace.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.demo.truth import BatchPart, RequestTruth


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The settings of one queue, with a thread pool of its own."""

    max_execution_batch_size: int
    batch_timeout_ns: int
    num_batch_threads: int


@dataclass(frozen=True, slots=True)
class Wait:
    """One request's time from its enqueue to its batch's first op, in three parts.

    Attributes:
        fill_ns: The batch was open and neither full nor due.
        thread_ns: It could be taken, and all batch threads were busy. A thread goes straight from
            one batch to the next, so once a batch had to wait for one, all of its wait is for it,
            the hand-over (splitting the one, forming the other) included.
        dispatch_ns: It could be taken and a thread was free: polling, batch formation and launch,
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

    def full_ns(self, limit: int) -> int | None:
        rows = 0
        for enqueue, count in self.tasks:
            rows += count
            if rows >= limit:
                return enqueue
        return None


def replay_queue(requests: Sequence[RequestTruth], rules: QueueRules) -> list[Wait]:
    """The waits of one queue's requests, in the order given.

    Of a request in several batches, the wait for the one that ends last.

    Args:
        requests: All OK requests of the queue, also those outside the window of interest.
        rules: Its settings.
    """
    batches = _batches(requests)
    ready = _ready_ns(batches, rules)
    busy = _all_busy([(b.start_ns, b.end_ns) for b in batches.values()], rules.num_batch_threads)
    return [_wait(request, batches, ready, busy) for request in requests]


def critical_part(request: RequestTruth) -> BatchPart:
    """The part that ends last: what the request waits for."""
    return max(request.parts, key=lambda part: part.end_unix_ns)


def _key(part: BatchPart) -> tuple[int, int]:
    return part.start_unix_ns, part.end_unix_ns


def _batches(requests: Sequence[RequestTruth]) -> dict[tuple[int, int], _Batch]:
    batches: dict[tuple[int, int], _Batch] = {}
    for request in sorted(requests, key=lambda r: r.ready_unix_ns):
        for part in request.parts:
            batch = batches.setdefault(_key(part), _Batch(*_key(part), tasks=[]))
            batch.tasks.append((request.ready_unix_ns, part.rows))
    return batches


def _ready_ns(
    batches: dict[tuple[int, int], _Batch], rules: QueueRules
) -> dict[tuple[int, int], int]:
    """When each batch could be taken; batches open in the order of their first task."""
    # A split request opens several batches at one instant: they start in the order they opened.
    opened = sorted(batches.values(), key=lambda b: (b.tasks[0][0], b.start_ns))
    ready = {}
    for number, batch in enumerate(opened):
        moments = [batch.tasks[0][0] + rules.batch_timeout_ns, batch.start_ns]
        full = batch.full_ns(rules.max_execution_batch_size)
        if full is not None:
            moments.append(full)
        if number + 1 < len(opened):
            moments.append(max(opened[number + 1].tasks[0][0], batch.tasks[0][0]))
        ready[batch.start_ns, batch.end_ns] = min(moments)
    return ready


def _all_busy(spans: Sequence[tuple[int, int]], threads: int) -> list[tuple[int, int]]:
    """Ascending, disjoint spans in which at least ``threads`` batches ran."""
    edges = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    busy: list[tuple[int, int]] = []
    running, since = 0, 0
    for moment, step in edges:
        if running < threads <= running + step:
            since = moment
        elif running >= threads > running + step and moment > since:
            busy.append((since, moment))
        running += step
    return busy


def _wait(
    request: RequestTruth,
    batches: dict[tuple[int, int], _Batch],
    ready: dict[tuple[int, int], int],
    busy: list[tuple[int, int]],
) -> Wait:
    key = _key(critical_part(request))
    enqueue, taken = request.ready_unix_ns, batches[key].start_ns
    can_be_taken = min(max(ready[key], enqueue), max(taken, enqueue))
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
