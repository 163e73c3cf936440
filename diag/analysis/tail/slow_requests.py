"""The slow requests of each model, and latency by the size of the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.distribution import Distribution, describe
from diag.analysis.intervals.sets import union
from diag.analysis.tail.association import Association, associations
from diag.analysis.tail.properties import properties_of
from diag.analysis.thresholds import (
    MIN_SAMPLES_P99,
    MOMENTS_MAX,
    MOMENTS_MAX_SHARE,
    SIZES_MAX,
    SLOW_MIN_RATIO,
    SLOW_MIN_REQUESTS,
)
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.gaps import GapTable
from diag.model.intervals import IntervalSet
from diag.model.serving import BatchTable, RequestTable


@dataclass(frozen=True, slots=True)
class SizeLatency:
    """Latency of the requests whose largest batch had a size.

    Attributes:
        rows_low: Fewest rows as executed.
        rows_high: Most rows; the same, unless there are many sizes.
        latency: Of the requests, ns.
    """

    rows_low: int
    rows_high: int
    latency: Distribution


@dataclass(frozen=True, slots=True)
class ModelTail:
    """The slow requests of one model: 1 % of the complete ones, but at least ten.

    Attributes:
        model: Its name.
        requests: Number of complete requests.
        slow: Rows of the request table, longest first.
        moments: The stretches of time in which all slow requests were open, if these are so few and
            short that one event each can be the reason, as begin and end in ns; else empty.
        associations: What slow requests have in common; Unavailable where there are too few, or
            they are not much slower than the median.
        by_batch_size: By size; empty where requests have no batch, or all batches one size.
    """

    model: str
    requests: int
    slow: tuple[int, ...]
    moments: tuple[tuple[int, int], ...]
    associations: tuple[Association, ...] | Unavailable
    by_batch_size: tuple[SizeLatency, ...]


def find_tails(
    requests: RequestTable,
    batches: BatchTable,
    gaps: GapTable,
    loading: IntervalSet,
    window_ns: int,
) -> tuple[ModelTail, ...]:
    """One entry for each model with complete requests, by name as in the ledgers.

    Args:
        requests: All requests.
        batches: All batches.
        gaps: Idle time by cause.
        loading: When models were loaded or warmed up.
        window_ns: Length of the window.
    """
    out = []
    for index, model in sorted(enumerate(requests.models), key=lambda item: item[1]):
        mine = np.flatnonzero((requests.model_index == index) & requests.complete)
        if len(mine):
            out.append(_tail(model, mine, requests, batches, gaps, loading, window_ns))
    return tuple(out)


def _tail(
    model: str,
    mine: Int64s,
    requests: RequestTable,
    batches: BatchTable,
    gaps: GapTable,
    loading: IntervalSet,
    window_ns: int,
) -> ModelTail:
    n, duration_ns = len(mine), requests.duration_ns[mine]
    by_length = np.argsort(-duration_ns, kind="stable")
    slow = mine[by_length[: max(SLOW_MIN_REQUESTS, -(-n // 100))]]
    sizes = _by_batch_size(requests, batches, mine)
    reason = _too_little(n, duration_ns, requests.duration_ns[slow])
    if reason is not None:
        return ModelTail(model, n, tuple(slow.tolist()), (), reason, sizes)
    moments = _moments(requests, slow, window_ns)
    if moments:
        reason = Unavailable(
            f"all {len(slow)} slow requests were open within {len(moments)} short moments"
        )
        return ModelTail(model, n, tuple(slow.tolist()), moments, reason, sizes)
    columns = properties_of(requests, batches, gaps, loading, mine)
    found = associations(columns, np.isin(mine, slow))
    return ModelTail(model, n, tuple(slow.tolist()), (), found, sizes)


def _too_little(n: int, duration_ns: Int64s, slow_ns: Int64s) -> Unavailable | None:
    if n < MIN_SAMPLES_P99:
        return Unavailable(f"{n} requests, {MIN_SAMPLES_P99} needed")
    if int(slow_ns.min()) < SLOW_MIN_RATIO * float(np.median(duration_ns)):
        return Unavailable(f"some of them take less than {SLOW_MIN_RATIO} times the median")
    return None


def _moments(requests: RequestTable, slow: Int64s, window_ns: int) -> tuple[tuple[int, int], ...]:
    """When slow requests were open, if that is a small part of the window in one piece or two."""
    held = union(requests.start_ns[slow], requests.end_ns[slow])
    if len(held) > MOMENTS_MAX or held.total_ns > MOMENTS_MAX_SHARE * window_ns:
        return ()
    return tuple(zip(held.start_ns.tolist(), held.end_ns.tolist(), strict=True))


def _by_batch_size(
    requests: RequestTable, batches: BatchTable, mine: Int64s
) -> tuple[SizeLatency, ...]:
    """Each size by itself; of many, those between two powers of two together."""
    owner = requests.batch_owner
    largest = np.full(len(requests), -1, np.int64)
    np.maximum.at(largest, owner, batches.executed_rows[requests.batch_index])
    rows = largest[mine]
    known = mine[rows > 0]
    rows = rows[rows > 0]
    if len(np.unique(rows)) < 2:
        return ()
    is_many = len(np.unique(rows)) > SIZES_MAX
    group = np.ceil(np.log2(rows)).astype(np.int64) if is_many else rows
    return tuple(
        SizeLatency(
            int(rows[group == each].min()),
            int(rows[group == each].max()),
            describe(requests.duration_ns[known[group == each]]),
        )
        for each in np.unique(group).tolist()
    )
