"""Busy and idle intervals of a timeline for a chart, bounded in number and exact in their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import CONFIDENCES, IDLE_CAUSES
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.report.model import Series
from diag.report.rows import number_column, text_column

if TYPE_CHECKING:
    from diag.model.events import Bools, Int64s, Ints
    from diag.model.gaps import GapTable, Timeline

BUSY = "busy"
STATES = (BUSY, *(cause.value for cause in IDLE_CAUSES))
# How sure a cause is; busy time needs no cause.
LEVELS = ("", *(level.value for level in CONFIDENCES))
_KINDS = len(STATES) * len(LEVELS)
# Rows of a series: half a megabyte of the JSON report, ten times what 1,200 pixels can show.
INTERVALS_MAX = 12_000
SLICES = 2_000  # a block of summed intervals is no longer than this part of the window
COLUMNS = (
    number_column("start_ns", "start", "ns", "From the window's start."),
    number_column("end_ns", "end", "ns", "From the window's start, half-open."),
    text_column("state", "state", "busy, or the cause of idle time."),
    number_column("time_ns", "time", "ns", "Time in this state between start and end."),
    text_column("confidence", "confidence", "Of the cause: high, medium or low; empty if busy."),
)


def interval_series(
    timeline: Timeline,
    gaps: GapTable,
    mine: Bools,
    rows_max: int = INTERVALS_MAX,
    *,
    origin_ns: int | None = None,
) -> Series:
    """All intervals, or the longest of them and between these exact sums by state.

    Args:
        timeline: What executed.
        gaps: Idle time of all timelines.
        mine: The rows of ``gaps`` of this one.
        rows_max: About how many rows the series may have.
        origin_ns: Begin of the capture's window, from which times count; by default that of the
            timeline's, which is later where a GPU was traced late.
    """
    start_ns, end_ns, kind = _intervals(timeline, gaps, mine)
    late_ns = 0 if origin_ns is None else timeline.window.start_ns - origin_ns
    start_ns, end_ns = start_ns + late_ns, end_ns + late_ns
    time_ns = end_ns - start_ns
    note = ""
    if len(start_ns) > rows_max:
        keep = _longest(time_ns, rows_max // 2)
        shown, summed = int(keep.sum()), len(start_ns) - int(keep.sum())
        start_ns, end_ns, kind, time_ns = _summed(
            timeline.window.duration_ns + late_ns, start_ns, end_ns, kind, keep
        )
        note = (
            f"{shown:,} of {shown + summed:,} intervals; the other {summed:,} are shorter, and "
            "summed by state in blocks between them"
        )
    state, level = (each.tolist() for each in np.divmod(kind, len(LEVELS)))
    return Series(
        id=f"intervals.{timeline.name}",
        title=f"Busy and idle intervals of {printable(timeline.name, NAME_MAX_CHARS)}",
        kind="intervals",
        columns=COLUMNS,
        values={
            "start_ns": tuple(start_ns.tolist()),
            "end_ns": tuple(end_ns.tolist()),
            "state": tuple(STATES[index] for index in state),
            "time_ns": tuple(time_ns.tolist()),
            "confidence": tuple(LEVELS[index] for index in level),
        },
        note=note,
    )


def _intervals(timeline: Timeline, gaps: GapTable, mine: Bools) -> tuple[Int64s, Int64s, Ints]:
    """Idle pieces and, between them, busy time; together exactly the window, in order.

    The third is the index of the state times ``len(LEVELS)``, plus that of the confidence.
    """
    window = timeline.window
    idle_start = gaps.start_ns[mine] - window.start_ns
    idle_end = gaps.end_ns[mine] - window.start_ns
    busy_start = np.concatenate([[0], idle_end])
    busy_end = np.concatenate([idle_start, [window.duration_ns]])
    is_busy = busy_end > busy_start
    start_ns = np.concatenate([idle_start, busy_start[is_busy]]).astype(np.int64)
    end_ns = np.concatenate([idle_end, busy_end[is_busy]]).astype(np.int64)
    state = gaps.cause_index[mine].astype(np.int64) + 1
    level = gaps.confidence_index[mine].astype(np.int64) + 1
    kind = np.concatenate([state * len(LEVELS) + level, np.zeros(int(is_busy.sum()), np.int64)])
    order = np.argsort(start_ns, kind="stable")
    return start_ns[order], end_ns[order], kind[order]


def _longest(time_ns: Int64s, n: int) -> Bools:
    """Which are among the ``n`` longest."""
    keep = np.zeros(len(time_ns), np.bool_)
    keep[np.argsort(-time_ns, kind="stable")[:n]] = True
    return keep


def _summed(
    window_ns: int, start_ns: Int64s, end_ns: Int64s, kind: Ints, keep: Bools
) -> tuple[Int64s, Int64s, Ints, Int64s]:
    """The kept intervals, and the others summed by state and confidence in blocks of neighbours.

    A block ends at a kept interval and where its first interval begins in the next slice of the
    window.
    """
    slice_of = start_ns // max(1, window_ns // SLICES)
    begins = keep | np.concatenate([[True], keep[:-1] | (slice_of[1:] != slice_of[:-1])])
    block = np.cumsum(begins) - 1
    block_start = start_ns[begins]
    block_end = np.zeros(len(block_start), np.int64)
    np.maximum.at(block_end, block, end_ns)
    cells, inverse = np.unique(block * _KINDS + kind, return_inverse=True)
    times = np.zeros(len(cells), np.int64)
    np.add.at(times, inverse, end_ns - start_ns)
    rows, kinds = np.divmod(cells, _KINDS)
    rows, kinds, times = rows[times > 0], kinds[times > 0], times[times > 0]
    return block_start[rows], block_end[rows], kinds, times
