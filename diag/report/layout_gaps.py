"""Idle time by cause, a table a timeline, and the longest gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration, milliseconds, number, percent
from diag.report.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row

if TYPE_CHECKING:
    from diag.report.gap_parts import GapPart, LongGapPart, TimelinePart, WaitingPart

COLUMNS = (
    Column("idle because of", is_number=False),
    Column("starved", is_number=False),
    Column("idle ms"),
    Column("of idle"),
    Column("of window"),
    Column("count"),
    Column("max ms"),
)

DEVICE_COLUMNS = (
    Column("idle because of", is_number=False),
    Column("starved", is_number=False),
    Column("idle ms"),
    Column("of window"),
    Column("sure", is_number=False),
    Column("or else", is_number=False),
)

SINGLE_TABLES_MAX = 2
LONGEST_SHOWN_MAX = 5
CAUSES_SHOWN_MAX = 3
WAITING_SHOWN_MAX = 3
_NO_CELL = ""


def gap_blocks(timelines: tuple[TimelinePart, ...], *, has_plane: bool) -> tuple[Block, ...]:
    """Busy, idle, starved and without demand in one line, then the causes: execution on the CPU."""
    return tuple(block for timeline in timelines for block in _cpu_blocks(timeline, has_plane))


def device_gap_blocks(timelines: tuple[TimelinePart, ...]) -> tuple[Block, ...]:
    """The causes of each device, then the longest gaps of all.

    Many devices (a host with eight GPUs) have no table each: ``mostly_idle`` goes into the table of
    devices.
    """
    blocks: tuple[Block, ...] = ()
    if len(timelines) <= SINGLE_TABLES_MAX:
        blocks = tuple(block for timeline in timelines for block in _device_blocks(timeline))
    return (*blocks, *_longest_blocks(timelines))


def mostly_idle(timeline: TimelinePart) -> str:
    """The main cause of its idle time; the others are in the JSON report."""
    if not timeline.gaps:
        return _NO_CELL
    main = timeline.gaps[0]
    return f"{main.cause} {percent(main.share_of_idle)}"


def _cpu_blocks(timeline: TimelinePart, has_plane: bool) -> tuple[Block, ...]:
    why = "" if has_plane else "; no device plane"
    heading = Heading(
        f"Idle time of {printable(timeline.timeline, NAME_MAX_CHARS)} "
        f"(model execution on the CPU{why})"
    )
    summary = Paragraph(
        f"busy {percent(timeline.busy_share)} ({duration(timeline.busy_ns)}), "
        f"idle {percent(timeline.idle_share)} ({duration(timeline.idle_ns)}): "
        f"starved {percent(timeline.starved_share)}, no demand {percent(timeline.no_demand_share)}"
        " of the window"
    )
    if not timeline.gaps:
        return (heading, summary)
    return (heading, summary, Grid(COLUMNS, tuple(_gap_row(gap) for gap in timeline.gaps)))


def _device_blocks(timeline: TimelinePart) -> tuple[Block, ...]:
    """Its shares are in the table of devices."""
    heading = Heading(f"Idle time of {printable(timeline.timeline, NAME_MAX_CHARS)}")
    if not timeline.gaps:
        return (heading, Paragraph("none"))
    sure = (("high", timeline.high_ns), ("medium", timeline.medium_ns), ("low", timeline.low_ns))
    levels = ", ".join(f"{level} {duration(ns)}" for level, ns in sure if ns)
    texts = [f"idle {duration(timeline.idle_ns)}"]
    if timeline.waiting_ns:
        texts[0] += f", of it {duration(timeline.waiting_ns)} with requests open"
    if timeline.starved_ns:
        won = duration(timeline.recoverable_ns_per_second)
        texts.append(f"fed without a break, it would win back {won} a second")
    texts.append(f"confidence {levels}")
    rows = tuple(_device_gap_row(gap) for gap in timeline.gaps)
    return (heading, Paragraph("; ".join(texts)), Grid(DEVICE_COLUMNS, rows))


def _device_gap_row(gap: GapPart) -> Row:
    return Row(
        (
            gap.cause,
            "yes" if gap.starvation else "no",
            milliseconds(gap.idle_ns),
            percent(gap.share_of_window),
            gap.confidence,
            _NO_CELL if isinstance(gap.runner_up, Unavailable) else gap.runner_up,
        )
    )


def _longest_blocks(timelines: tuple[TimelinePart, ...]) -> tuple[Block, ...]:
    """Those in which somebody waited; a long gap that nobody noticed tells nothing."""
    found = [(timeline.timeline, gap) for timeline in timelines for gap in timeline.longest]
    asked = [item for item in found if item[1].waiting_requests]
    if not asked:
        return ()
    asked.sort(key=lambda item: -item[1].idle_ns)
    items = tuple(
        _long_gap_text(gap, name if len(timelines) > 1 else "")
        for name, gap in asked[:LONGEST_SHOWN_MAX]
    )
    return (
        Paragraph("with requests open; times from the window's start", label="longest"),
        Bullets(items),
    )


def _long_gap_text(gap: LongGapPart, device: str) -> str:
    """When, how long, why, and what the requests in the server were doing in its middle."""
    where = f"{printable(device, NAME_MAX_CHARS)} " if device else ""
    causes = ", ".join(
        f"{part.cause} {duration(part.idle_ns)}" for part in gap.causes[:CAUSES_SHOWN_MAX]
    )
    head = f"{where}at {duration(gap.offset_ns)}, {duration(gap.idle_ns)}: {causes}"
    # Requests of one batch wait for the same.
    different = dict.fromkeys(_waiting_text(part) for part in gap.waiting)
    doing = ", ".join(list(different)[:WAITING_SHOWN_MAX])
    many = "request" if gap.waiting_requests == 1 else "requests"
    return f"{head}; {number(gap.waiting_requests)} {many} open: {doing}"


def _waiting_text(part: WaitingPart) -> str:
    thread = f" ({printable(part.thread, NAME_MAX_CHARS)})" if part.thread else ""
    return f"{printable(part.doing, NAME_MAX_CHARS)} for {duration(part.doing_ns)}{thread}"


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
