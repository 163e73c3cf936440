"""Idle time by cause, a table a timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.blocks import Block, Column, Grid, Heading, Paragraph, Row
from diag.report.display import NAME_MAX_CHARS, duration, milliseconds, number, percent, printable

if TYPE_CHECKING:
    from diag.report.report import GapPart, TimelinePart

COLUMNS = (
    Column("idle because of", is_number=False),
    Column("starved", is_number=False),
    Column("idle ms"),
    Column("of idle"),
    Column("of window"),
    Column("count"),
    Column("max ms"),
)


def gap_blocks(timelines: tuple[TimelinePart, ...]) -> tuple[Block, ...]:
    """Busy, idle, starved and without demand in one line, then the causes."""
    return tuple(block for timeline in timelines for block in _timeline_blocks(timeline))


def _timeline_blocks(timeline: TimelinePart) -> tuple[Block, ...]:
    what = "device" if timeline.is_device else "model execution on the CPU; no device plane"
    heading = Heading(f"Idle time of {printable(timeline.timeline, NAME_MAX_CHARS)} ({what})")
    summary = Paragraph(
        f"busy {percent(timeline.busy_share)} ({duration(timeline.busy_ns)}), "
        f"idle {percent(timeline.idle_share)} ({duration(timeline.idle_ns)}): "
        f"starved {percent(timeline.starved_share)}, no demand {percent(timeline.no_demand_share)}"
        " of the window"
    )
    if not timeline.gaps:
        return (heading, summary)
    return (heading, summary, Grid(COLUMNS, tuple(_gap_row(gap) for gap in timeline.gaps)))


def _gap_row(gap: GapPart) -> Row:
    return Row(
        (
            gap.cause,
            "yes" if gap.starvation else "no",
            milliseconds(gap.idle_ns),
            percent(gap.share_of_idle),
            percent(gap.share_of_window),
            number(gap.pieces),
            milliseconds(gap.longest_ns),
        )
    )
