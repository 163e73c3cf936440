"""Properties of requests that slow ones may have in common, as columns of yes and no.

Each is known when a request arrives or joins its batch, or looks at the same length of time after
each arrival. What only lasts as long as a request would be found with slow ones in any case.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.sets import covered_between, merge, union
from diag.analysis.thresholds import (
    BURST_GAP_RATIO,
    BURST_MIN_REQUESTS,
    BURST_MIN_SHARE,
    DISTURBED_MIN_RATIO,
)
from diag.model.events import Bools, Int64s
from diag.model.gaps import IDLE_CAUSES, GapTable, IdleCause
from diag.model.intervals import IntervalSet
from diag.model.serving import BatchTable, RequestTable


class Kind(enum.Enum):
    """Kinds of properties; ``Property.value`` is what the text after each says."""

    LARGE_BATCH = "large-batch"  # executed rows of its batch are more than
    SMALL_BATCH = "small-batch"  # or fewer than
    LARGE_REQUEST = "large-request"  # rows of the request are more than
    SMALL_REQUEST = "small-request"  # or fewer than
    MUCH_COMPANY = "much-company"  # requests open at its arrival are more than
    LITTLE_COMPANY = "little-company"  # or fewer than
    FIRST_OF_BATCH = "first-of-batch"  # 0: no other request joined its batch before it
    LATE_IN_BURST = "late-in-burst"  # requests of its burst that arrived before it are more than
    FIRST_RUN = "first-run"  # 0: its batch is the first of its size and queue in the window
    SPLIT = "split"  # 0: its rows went into several batches
    QUEUE = "queue"  # the queue, an index into ``BatchTable.queues``
    DISTURBED = "disturbed"  # the cause, an index into ``IDLE_CAUSES``


@dataclass(frozen=True, slots=True)
class Property:
    """A property that some requests have."""

    kind: Kind
    value: int = 0


Column = tuple[Property, Bools]
_DISTURBANCES = (
    IdleCause.THROTTLED,
    IdleCause.MODEL_LOAD,
    IdleCause.COLD_START,
    IdleCause.ALLOCATOR,
    IdleCause.PROFILER,
    IdleCause.UNEXPLAINED,
)


def properties_of(
    requests: RequestTable,
    batches: BatchTable,
    gaps: GapTable,
    loading: IntervalSet,
    mine: Int64s,
) -> Iterator[Column]:
    """Yield each property with a (len(mine),) column of whether a request has it.

    Args:
        requests: All requests.
        batches: All batches.
        gaps: Idle time by cause.
        loading: When models were loaded or warmed up.
        mine: Rows of the requests in question, ascending; at least one.
    """
    yield from _split(Kind.LARGE_REQUEST, Kind.SMALL_REQUEST, requests.rows[mine])
    open_before = np.arange(len(requests)) - np.searchsorted(
        np.sort(requests.end_ns), requests.start_ns, side="right"
    )
    yield from _split(Kind.MUCH_COMPANY, Kind.LITTLE_COMPANY, open_before[mine])
    yield from _late_in_burst(requests.start_ns[mine])
    yield from _of_batches(requests, batches, mine)
    yield from _disturbed(requests, gaps, loading, mine)


def _split(large: Kind, small: Kind, values: Int64s) -> Iterator[Column]:
    """Above and below the median; nothing where a value is not known (-1)."""
    if (values < 0).any():
        return
    middle = int(np.median(values))
    yield Property(large, middle), values > middle
    yield Property(small, middle), values < middle


def _late_in_burst(start_ns: Int64s) -> Iterator[Column]:
    """Requests in the second half of bursts: arrivals far closer together than on average."""
    gap_ns = np.diff(start_ns)
    if not len(gap_ns):
        return
    begins = np.append(True, gap_ns >= BURST_GAP_RATIO * gap_ns.mean())
    burst = np.cumsum(begins) - 1
    position = np.arange(len(start_ns)) - np.flatnonzero(begins)[burst]
    in_burst = np.bincount(burst)[burst] >= BURST_MIN_REQUESTS
    if in_burst.mean() >= BURST_MIN_SHARE:
        middle = int(np.median(position[in_burst]))
        yield Property(Kind.LATE_IN_BURST, middle), in_burst & (position > middle)


def _of_batches(requests: RequestTable, batches: BatchTable, mine: Int64s) -> Iterator[Column]:
    count = np.diff(requests.batch_offsets)
    if not len(batches) or not (count[mine] > 0).all():
        return
    owner = np.repeat(np.arange(len(requests)), count)
    batch = requests.batch_index
    largest = np.full(len(requests), -1, np.int64)
    np.maximum.at(largest, owner, batches.executed_rows[batch])
    yield from _split(Kind.LARGE_BATCH, Kind.SMALL_BATCH, largest[mine])
    first = np.full(len(batches), len(requests), np.int64)
    np.minimum.at(first, batch, owner)
    yield Property(Kind.FIRST_OF_BATCH), _any(owner, first[batch] == owner, len(requests))[mine]
    key = np.stack([batches.queue_index, batches.executed_rows], axis=1)
    is_first_run = np.zeros(len(batches), np.bool_)
    is_first_run[np.unique(key, axis=0, return_index=True)[1]] = True
    yield Property(Kind.FIRST_RUN), _any(owner, is_first_run[batch], len(requests))[mine]
    yield Property(Kind.SPLIT), count[mine] > 1
    queue = batches.queue_index[batch[requests.batch_offsets[mine]]]
    queues = np.unique(queue).tolist()
    if len(queues) > 1:
        for each in queues:
            yield Property(Kind.QUEUE, each), queue == each


def _any(owner: Int64s, holds: Bools, count: int) -> Bools:
    """(count,) whether it holds for anything of each owner."""
    out = np.zeros(count, np.bool_)
    out[owner[holds]] = True
    return out


def _disturbed(
    requests: RequestTable, gaps: GapTable, loading: IntervalSet, mine: Int64s
) -> Iterator[Column]:
    """What stopped or used the machine within a median latency after the arrival of each."""
    start_ns = requests.start_ns[mine]
    span_ns = int(np.median(requests.duration_ns[mine]))
    for cause in _DISTURBANCES:
        of_cause = gaps.cause_index == cause.index
        held = union(gaps.start_ns[of_cause], gaps.end_ns[of_cause])
        if cause is IdleCause.MODEL_LOAD:
            held = merge(held, loading)
        if not len(held):
            continue
        stopped_ns = covered_between(held, start_ns, start_ns + span_ns)
        is_disturbed = stopped_ns > DISTURBED_MIN_RATIO * span_ns
        yield Property(Kind.DISTURBED, IDLE_CAUSES.index(cause)), is_disturbed
