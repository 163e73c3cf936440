"""Given batching parameters against what the trace shows.

A server reads its parameters when it starts. So the file may not be in force: it was edited since,
it is another server's, or it does not apply to the model. The trace contradicts a value if the
scheduler's rules exclude what was seen. A batch that starts late may lack CPU: late starts count
only if they are nearly constant.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diag.analysis.batching.queue_trace import QueueTrace
from diag.analysis.batching.told import Told
from diag.analysis.intervals.sets import covered_between
from diag.analysis.thresholds import (
    CONTRADICTED_MIN_BATCHES,
    CONTRADICTED_MIN_RATIO,
    EARLY_MIN_NS,
    LATE_MIN_NS,
    MIN_TELLING_BATCHES,
    MIN_TELLING_RATIO,
    NEARLY_ALL_RATIO,
    NEARLY_CONSTANT_NS,
    SIZE_CLOSE_MAX_NS,
)
from diag.model.events import Bools, Int64s
from diag.model.forever import FOREVER_NS
from diag.model.serving import Conflict, Contradiction, Parameter
from diag.simulation.options import POLL_PERIOD_NS


def find_contradictions(told: Told, queue: QueueTrace) -> tuple[Contradiction, ...]:
    """Every field of one source that the trace contradicts."""
    return tuple(_contradictions(told, queue))


def _contradictions(told: Told, queue: QueueTrace) -> Iterator[Contradiction]:
    for name in told.impossible():
        value = told.numbers[name]
        yield Contradiction(name, f"{value:.15g}", told.origin, Conflict.NOT_POSSIBLE, 0)
    size = _size(told, queue)
    yield from size
    timeout = _timeout(told, queue, told.full_rows if not size else None)
    yield from timeout
    yield from _threads(told, queue, None if timeout else told.timeout)
    yield from _padding(told, queue)
    yield from _enqueued(told, queue)
    if queue.is_split and told.is_split is False:
        name = "enable_large_batch_splitting"
        yield Contradiction(name, "false", told.origin, Conflict.SPLIT, 1)


def _of(name: str, told: Parameter, conflict: Conflict, observed: int) -> Contradiction:
    return Contradiction(name, str(told.value), told.origin, conflict, observed)


def _is_enough(seen: Bools, batches: int) -> bool:
    """Whether so many batches show it that no single odd one is taken for a rule."""
    count = int(np.count_nonzero(seen))
    return count >= CONTRADICTED_MIN_BATCHES and count >= CONTRADICTED_MIN_RATIO * batches


def _size(told: Told, queue: QueueTrace) -> tuple[Contradiction, ...]:
    """The rows at which a batch is full: no batch is larger, and none is closed before."""
    full, name = told.full_rows, told.full_name
    if full is None:
        return ()
    if queue.largest_rows > full.value:
        return (_of(name, full, Conflict.LARGER_BATCH, queue.largest_rows),)
    if _is_full_earlier(told, queue, full.value):
        return (_of(name, full, Conflict.FULL_EARLIER, queue.largest_rows),)
    return ()


def _is_full_earlier(told: Told, queue: QueueTrace, full_rows: int) -> bool:
    """Whether batches that had room for the next task were closed all the same.

    The next batch was opened long before this one was taken, or the batch was taken before its
    timeout, and only batches of the largest size were.
    """
    largest = queue.largest_rows
    if largest >= full_rows:
        return False
    lag_ns = queue.taken_ns - queue.next_first_ns
    opened = queue.is_whole & (lag_ns > SIZE_CLOSE_MAX_NS) & (queue.next_rows > 0)
    had_room = opened & (queue.rows + queue.next_rows <= full_rows)
    consistent = had_room & (queue.rows + queue.next_rows > largest)
    if _is_enough(consistent, len(queue)):
        return bool(consistent.sum() >= NEARLY_ALL_RATIO * opened.sum())
    early = _early(queue, told.timeout)
    smaller = queue.is_whole & (queue.rows < largest)
    is_clear = largest > 1 and smaller.any() and not (early & smaller).any()
    return bool(is_clear and _is_enough(early, len(queue)))


def _early(queue: QueueTrace, timeout: Parameter | None) -> Bools:
    """(n,) batches that neither a later task nor the timeout can have closed."""
    if timeout is None:
        return np.zeros(len(queue), np.bool_)
    due = queue.wait_ns >= timeout.value - EARLY_MIN_NS
    return np.asarray(queue.is_whole & ~queue.overflowed & ~due, np.bool_)


def _timeout(told: Told, queue: QueueTrace, full: Parameter | None) -> tuple[Contradiction, ...]:
    """No batch starts before the timeout unless it is full, and none long after it."""
    timeout = told.timeout
    if timeout is None:
        return ()
    limit = queue.largest_rows if full is None else full.value
    early = _early(queue, timeout) & (queue.rows < limit)
    waits_ns = queue.wait_ns[early]
    conflict = Conflict.STARTED_EARLIER
    if not _is_enough(early, int(np.count_nonzero(queue.rows < limit))):
        late = queue.timed_out(timeout.value, queue.pool.busy)
        waits_ns = queue.wait_ns[late]
        conflict = Conflict.WAITED_LONGER
        if not _is_late(waits_ns, timeout.value, len(queue)):
            return ()
    micros = told.number("batch_timeout_micros")
    assert micros is not None  # the same field, in ns
    return (_of("batch_timeout_micros", micros, conflict, int(np.median(waits_ns)) // 1000),)


def _is_late(waits_ns: Int64s, timeout_ns: int, batches: int) -> bool:
    """Whether nearly all waits are longer than the timeout and a poll, and nearly the same.

    Threads that do not get the CPU are late by very different times.
    """
    if len(waits_ns) < max(MIN_TELLING_BATCHES, MIN_TELLING_RATIO * batches):
        return False
    # Without a timeout the enqueue itself signals a thread.
    expected_ns = timeout_ns + POLL_PERIOD_NS + LATE_MIN_NS if timeout_ns else SIZE_CLOSE_MAX_NS
    low, quarter, three_quarters = np.percentile(waits_ns, (10, 25, 75))
    return bool(low > expected_ns and three_quarters - quarter <= NEARLY_CONSTANT_NS)


def _threads(told: Told, queue: QueueTrace, timeout: Parameter | None) -> tuple[Contradiction, ...]:
    """No other threads process batches, and a free one takes a batch that is ready."""
    threads, pool = told.threads, queue.pool
    if threads is None:
        return ()
    if pool.threads > threads.value:
        return (_of("num_batch_threads", threads, Conflict.MORE_THREADS, pool.threads),)
    if pool.threads < threads.value and _waits_for_threads(queue, told, timeout):
        return (_of("num_batch_threads", threads, Conflict.FEWER_THREADS, pool.threads),)
    return ()


def _waits_for_threads(queue: QueueTrace, told: Told, timeout: Parameter | None) -> bool:
    """Whether ready batches waited just while the threads that were recorded had a batch."""
    full = told.full_rows
    is_full = queue.rows >= full.value if full is not None else np.zeros(len(queue), np.bool_)
    closed_ns = np.where(is_full, queue.last_ns, queue.next_first_ns)
    closed_ns = np.minimum(closed_ns, queue.next_first_ns)
    due_ns = queue.first_ns + (FOREVER_NS if timeout is None else timeout.value)
    ready_ns = np.minimum(np.minimum(closed_ns, due_ns), queue.taken_ns)
    wait_ns = np.where(queue.is_whole, queue.taken_ns - ready_ns, 0)
    late = wait_ns > 2 * POLL_PERIOD_NS
    if not _is_enough(late, len(queue)):
        return False
    held_ns = covered_between(queue.pool.busy, ready_ns[late], queue.taken_ns[late])
    return bool(held_ns.sum() >= NEARLY_ALL_RATIO * wait_ns[late].sum())


def _padding(told: Told, queue: QueueTrace) -> tuple[Contradiction, ...]:
    """A batch is executed with the first allowed size that holds it."""
    sizes = told.allowed_batch_sizes
    known = (queue.rows > 0) & (queue.padded_rows >= queue.rows)
    if sizes is None or not known.any():
        return ()
    rows, padded = queue.rows[known], queue.padded_rows[known]
    otherwise = padded != _padded(rows, sizes)
    if not _is_enough(otherwise, len(rows)):
        return ()
    pairs = np.stack((rows[otherwise], padded[otherwise]), axis=1)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    common = distinct[int(counts.argmax())]
    listed = f"[{', '.join(map(str, sizes[:8]))}{', …' if len(sizes) > 8 else ''}]"
    given = listed if sizes else "not set"
    conflict = Conflict.PADDED_OTHERWISE
    name = "allowed_batch_sizes"
    return (Contradiction(name, given, told.origin, conflict, int(common[1]), int(common[0])),)


def _padded(rows: Int64s, sizes: tuple[int, ...]) -> Int64s:
    """``simulation.rules.padded_rows`` for many batches and many sizes.

    A size that does not exceed all before it is never the first that fits.
    """
    given = np.array(sizes, np.int64)
    if not len(given):
        return rows
    first = np.unique(np.maximum.accumulate(given))
    index = np.searchsorted(first, rows)
    fits = index < len(first)
    return np.where(fits, first[np.minimum(index, len(first) - 1)], rows)


def _enqueued(told: Told, queue: QueueTrace) -> tuple[Contradiction, ...]:
    """A queue refuses a task that needs one batch more, and no other that it could hold.

    A batch that a thread has just taken may still seem to be in the queue, and one that a thread
    is about to take may seem to be gone.
    """
    limit = told.number("max_enqueued_batches")
    if limit is None:
        return ()
    if queue.longest > max(1, limit.value) + queue.pool.threads:
        return (_of("max_enqueued_batches", limit, Conflict.LONGER_QUEUE, queue.longest),)
    is_shorter = queue.refused_at + queue.pool.threads < limit.value
    if queue.refused >= CONTRADICTED_MIN_BATCHES and is_shorter:
        return (_of("max_enqueued_batches", limit, Conflict.SHORTER_QUEUE, queue.refused_at),)
    return ()
