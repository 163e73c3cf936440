"""The window in equal slices as a table: the timeline for who reads tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import IDLE_CAUSES, IdleCause
from diag.report.rows import Row, make_table, name_column, number_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.model.events import Int64s
    from diag.report.model import Table

SLICES = 20
COLUMNS = (
    number_column("slice_ns", "from", "ns", "From the window's start."),
    number_column("length_ns", "length", "ns", "Of the slice.", is_detail=True),
    name_column("timeline", "device", "GPU, or execution on the CPU."),
    number_column("busy", "busy", "ratio", "Part of the slice in which it executed."),
    number_column("starved", "starved", "ratio", "Idle while requests waited for their input."),
    number_column("other", "other idle", "ratio", "Idle for other causes, requests being open."),
    number_column("no_demand", "no demand", "ratio", "Idle without a request."),
    number_column("ended", "ended", "requests", "Requests that ended in the slice."),
    number_column("mean_ns", "mean", "ns", "Their mean latency."),
    number_column("batches", "batches", "count", "Batches that were taken in the slice."),
)


def slice_table(analysis: Analysis) -> Table:
    """A row a slice and device; only formats for programs and pages have it."""
    rows = [Row(cells) for cells in _rows(analysis)]
    title = f"The timeline as a table of {SLICES} slices"
    return make_table("timeline_slices", title, COLUMNS, rows, is_data_only=True)


def _rows(analysis: Analysis) -> Iterator[tuple[int | float | str | None, ...]]:
    window, requests = analysis.capture.window, analysis.requests
    edges = window.start_ns + np.linspace(0, window.duration_ns, SLICES + 1).astype(np.int64)
    ended = np.searchsorted(np.sort(requests.end_ns), edges)
    order = np.argsort(requests.end_ns, kind="stable")
    sums = np.concatenate([[0], np.cumsum(requests.duration_ns[order])])
    taken = np.searchsorted(np.sort(analysis.batches.start_ns), edges)
    states = [_idle_by_slice(analysis, index, edges) for index in range(len(analysis.timelines))]
    for i in range(SLICES):
        length = int(edges[i + 1] - edges[i])
        n = int(ended[i + 1] - ended[i])
        for timeline, (starved, other, none) in zip(analysis.timelines, states, strict=True):
            begin, end = max(edges[i], timeline.window.start_ns), min(edges[i + 1], _end(analysis))
            if end <= begin:
                continue
            parts = [float(each[i]) / float(end - begin) for each in (starved, other, none)]
            yield (
                int(edges[i]) - window.start_ns,
                length,
                timeline.name,
                max(0.0, 1 - sum(parts)),
                *parts,
                n,
                float(sums[ended[i + 1]] - sums[ended[i]]) / n if n else None,
                int(taken[i + 1] - taken[i]),
            )


def _end(analysis: Analysis) -> int:
    return analysis.capture.window.start_ns + analysis.capture.window.duration_ns


def _idle_by_slice(
    analysis: Analysis, index: int, edges: Int64s
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], ...]:
    """Time in each slice starved, idle for other causes, and without demand."""
    gaps = analysis.gaps
    mine = gaps.timeline_index == index
    cause = gaps.cause_index[mine]
    is_starved = np.array([each.is_starvation for each in IDLE_CAUSES])[cause]
    is_free = cause == IdleCause.NO_DEMAND.index
    groups = (is_starved, ~is_starved & ~is_free, is_free)
    start_ns, end_ns = gaps.start_ns[mine], gaps.end_ns[mine]
    return tuple(np.diff(_time_until(start_ns[each], end_ns[each], edges)) for each in groups)


def _time_until(
    start_ns: Int64s, end_ns: Int64s, at: Int64s
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Time in disjoint intervals, in order, before each of ``at``."""
    before = np.concatenate([[0], np.cumsum(end_ns - start_ns)])
    begun = np.searchsorted(start_ns, at, side="right")
    last = np.maximum(begun - 1, 0)
    if not len(start_ns):
        return np.zeros(len(at))
    over = np.where(begun > 0, np.maximum(0, end_ns[last] - at), 0)
    return (before[begun] - over).astype(np.float64)
