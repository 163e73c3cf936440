"""Idle time by the length of its stretches: one long stretch, or many short ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import IDLE_CAUSES
from diag.report.model import Series
from diag.report.rows import number_column, text_column

if TYPE_CHECKING:
    from diag.model.events import Bools
    from diag.model.gaps import GapTable, Timeline

COLUMNS = (
    text_column("length", "length", "Length of stretches in which nothing executed."),
    text_column("cause", "cause", "A cause of this idle time."),
    number_column("time_ns", "idle", "ns", "Idle time of the cause in stretches of this length."),
    number_column("stretches", "stretches", "count", "Stretches of this length, of any cause."),
    number_column("total_ns", "all idle", "ns", "Idle time in these stretches."),
)
# Upper ends of the lengths, ns; the last has none.
_ENDS_NS = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
_LENGTHS = (
    "up to 10 µs",
    "10 to 100 µs",
    "100 µs to 1 ms",
    "1 to 10 ms",
    "10 to 100 ms",
    "100 ms to 1 s",
    "over 1 s",
)


def stretch_series(timeline: Timeline, gaps: GapTable, mine: Bools) -> Series:
    """Pieces that follow each other are one stretch; the shortest stretches first.

    Args:
        timeline: What executed.
        gaps: Idle time of all timelines.
        mine: The rows of ``gaps`` of this one.
    """
    start_ns, end_ns = gaps.start_ns[mine], gaps.end_ns[mine]
    begins = np.concatenate([[True], start_ns[1:] != end_ns[:-1]])[: len(start_ns)]
    stretch = np.cumsum(begins) - 1
    length_ns = np.zeros(int(begins.sum()), np.int64)
    np.add.at(length_ns, stretch, end_ns - start_ns)
    size = np.searchsorted(_ENDS_NS, length_ns, side="left")
    times = np.zeros((len(_LENGTHS), len(IDLE_CAUSES)), np.int64)
    np.add.at(times, (size[stretch], gaps.cause_index[mine]), end_ns - start_ns)
    counts = np.bincount(size, minlength=len(_LENGTHS))
    sizes, causes = np.nonzero(times)
    return Series(
        id=f"idle_lengths.{timeline.name}",
        title="Idle time by the length of its stretches",
        kind="bars",
        columns=COLUMNS,
        values={
            "length": tuple(_LENGTHS[index] for index in sizes.tolist()),
            "cause": tuple(IDLE_CAUSES[index].value for index in causes.tolist()),
            "time_ns": tuple(times[sizes, causes].tolist()),
            "stretches": tuple(counts[sizes].tolist()),
            "total_ns": tuple(times.sum(axis=1)[sizes].tolist()),
        },
    )
