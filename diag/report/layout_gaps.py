"""Idle time by cause, a table a timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.blocks import Block, Column, Grid, Heading, Paragraph, Row
from diag.report.display import NAME_MAX_CHARS, duration, milliseconds, number, percent, printable

if TYPE_CHECKING:
    from diag.report.gap_parts import GapPart, TimelinePart

COLUMNS = (
    Column("idle because of", is_number=False),
    Column("starved", is_number=False),
    Column("idle ms"),
    Column("of idle"),
    Column("of window"),
    Column("count"),
    Column("max ms"),
)

OVERVIEW_COLUMNS = (
    Column("timeline", is_number=False),
    Column("busy"),
    Column("idle"),
    Column("starved"),
    Column("no demand"),
    Column("mostly", is_number=False),
)
SINGLE_TABLES_MAX = 2


def gap_blocks(timelines: tuple[TimelinePart, ...]) -> tuple[Block, ...]:
    """Busy, idle, starved and without demand in one line, then the causes.

    Many timelines (a host with eight GPUs) share one table, with the main cause of each.
    """
    if len(timelines) > SINGLE_TABLES_MAX:
        return (
            Heading(f"Idle time of {number(len(timelines))} timelines"),
            Grid(OVERVIEW_COLUMNS, tuple(_overview_row(timeline) for timeline in timelines)),
        )
    return tuple(block for timeline in timelines for block in _timeline_blocks(timeline))


def _overview_row(timeline: TimelinePart) -> Row:
    """Causes beyond the first are in the JSON report."""
    main = timeline.gaps[0] if timeline.gaps else None
    return Row(
        (
            printable(timeline.timeline, NAME_MAX_CHARS),
            percent(timeline.busy_share),
            percent(timeline.idle_share),
            percent(timeline.starved_share),
            percent(timeline.no_demand_share),
            f"{main.cause} {percent(main.share_of_idle)} of idle" if main else "",
        )
    )


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
