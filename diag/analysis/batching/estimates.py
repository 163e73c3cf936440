"""Estimates of a queue's parameters from the trace; docs/attribution.md has the formulas."""

from __future__ import annotations

import numpy as np

from diag.analysis.batching.queue_trace import QueueTrace
from diag.analysis.batching.queueing import Known
from diag.analysis.intervals.sets import covered_between
from diag.analysis.thresholds import MIN_TELLING_BATCHES, MIN_TELLING_RATIO, SIZE_CLOSE_MAX_NS
from diag.model.availability import Unavailable
from diag.model.intervals import IntervalSet
from diag.model.serving import Origin, Parameter
from diag.simulation.options import POLL_PERIOD_NS


def estimate_timeout(queue: QueueTrace, busy: IntervalSet) -> Known:
    """Estimate batch_timeout_micros of a queue, in ns, from batches that must have waited for it.

    A batch that was not closed by its size, and that an idle thread took, was taken by the first
    poll after its timeout. The shortest such wait is at most one poll period too long.
    Without a timeout an enqueue signals a thread, so that many waits above SIZE_CLOSE_MAX_NS and
    below a poll period show a timeout, too.

    Args:
        queue: What was recorded of it.
        busy: When all of its threads were busy.
    """
    usable = queue.taken_by_idle(busy)
    if not usable.any():
        return Unavailable("no batch of this queue waited with a batch thread free")
    if usable.sum() < MIN_TELLING_RATIO * len(queue):
        return Unavailable(f"{usable.sum()} of {len(queue)} batches waited with a thread free")
    shortest = int(queue.wait_ns[usable].min())
    is_many = usable.sum() >= MIN_TELLING_BATCHES
    immediate = SIZE_CLOSE_MAX_NS if is_many else POLL_PERIOD_NS
    return Parameter(0 if shortest < immediate else shortest, Origin.ESTIMATED)


def estimate_max_batch(queue: QueueTrace, timeout: Known, busy: IntervalSet) -> Known:
    """Estimate max_batch_size: the rows of the largest batch, if two of that size closed early.

    Early is before the timeout; before an estimated one by a poll at least, because the estimate is
    long by up to that much. Where the timeout is unknown: taken by a free thread right after the
    last enqueue.

    Args:
        queue: What was recorded of it.
        timeout: batch_timeout_micros in ns.
        busy: When all of its threads were busy.
    """
    largest = queue.largest_rows
    if isinstance(timeout, Parameter):
        doubt_ns = POLL_PERIOD_NS if timeout.origin is Origin.ESTIMATED else 0
        closed = queue.wait_ns < timeout.value - doubt_ns
    else:
        free = covered_between(busy, queue.first_ns, queue.taken_ns) == 0
        closed = free & queue.sudden
    early = (queue.rows == largest) & (closed | queue.overflowed)
    if largest > 0 and int(np.count_nonzero(early)) >= 2:
        return Parameter(largest, Origin.ESTIMATED)
    return Unavailable(f"no batch was closed by its size; the largest had {largest} rows")
