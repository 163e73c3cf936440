"""GPUs: how busy each was, what of that may be missing, and whether samples agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import NOT_AVAILABLE, byte_size, duration, number, percent
from diag.report.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row
from diag.report.layout_gaps import SINGLE_TABLES_MAX, device_gap_blocks, mostly_idle

if TYPE_CHECKING:
    from diag.report.device_parts import (
        AgreementPart,
        DeviceLossPart,
        DevicePart,
    )
    from diag.report.gap_parts import TimelinePart
    from diag.report.report import Report

DEVICE_COLUMN = Column("device", is_number=False)
COLUMNS = (
    DEVICE_COLUMN,
    Column("busy"),
    Column("kernel"),
    Column("copy"),
    Column("memset"),
    Column("idle"),
    Column("starved"),
    Column("no demand"),
)
# Of many GPUs: what fits beside the main cause.
OVERVIEW_COLUMNS = (
    DEVICE_COLUMN,
    Column("busy"),
    Column("idle"),
    Column("starved"),
    Column("no demand"),
)
MOSTLY_COLUMN = Column("of idle, mostly", is_number=False)
SAMPLED_COLUMN = Column("sampled")
_AGREE = "agree"
_NO_CELL = ""


def device_blocks(report: Report) -> tuple[Block, ...]:
    """Nothing without GPUs, in the trace or in the samples."""
    checks = _check_blocks(report.agreements)
    timelines = tuple(timeline for timeline in report.timelines if timeline.is_device)
    if not report.devices:
        return (Heading("GPUs, by their samples"), *checks) if checks else ()
    return (
        Heading("GPUs, shares of the window"),
        *_table_blocks(report.devices, report.agreements, timelines),
        *_loss_blocks(report.device_loss),
        *checks,
        *device_gap_blocks(timelines),
    )


def _table_blocks(
    devices: tuple[DevicePart, ...],
    agreements: tuple[AgreementPart, ...],
    timelines: tuple[TimelinePart, ...],
) -> tuple[Block, ...]:
    """The shares of each; where none is known, only why."""
    reasons = {d.busy_share.reason for d in devices if isinstance(d.busy_share, Unavailable)}
    if reasons and all(isinstance(d.busy_share, Unavailable) for d in devices):
        names = ", ".join(printable(d.device, NAME_MAX_CHARS) for d in devices)
        return (Paragraph(f"{names}: {NOT_AVAILABLE}: {'; '.join(sorted(reasons))}"),)
    if len(devices) > SINGLE_TABLES_MAX:
        return _overview(devices, agreements, timelines)
    rows = tuple(Row((*_cells(device), *_sampled_cells(device, agreements))) for device in devices)
    grid = Grid((*COLUMNS, *_sampled_columns(agreements)), rows)
    return (grid, Bullets(tuple(_events_text(device) for device in devices)))


def _cells(device: DevicePart) -> tuple[str, ...]:
    shares = (
        device.busy_share,
        device.kernel_share,
        device.copy_share,
        device.memset_share,
        device.idle_share,
        device.starved_share,
        device.no_demand_share,
    )
    return (printable(device.device, NAME_MAX_CHARS), *(percent(share) for share in shares))


def _overview(
    devices: tuple[DevicePart, ...],
    agreements: tuple[AgreementPart, ...],
    timelines: tuple[TimelinePart, ...],
) -> tuple[Block, ...]:
    causes = {timeline.timeline: mostly_idle(timeline) for timeline in timelines}
    rows = tuple(
        Row(
            (
                printable(device.device, NAME_MAX_CHARS),
                percent(device.busy_share),
                percent(device.idle_share),
                percent(device.starved_share),
                percent(device.no_demand_share),
                *_sampled_cells(device, agreements),
                causes.get(device.device, _NO_CELL),
            )
        )
        for device in devices
    )
    columns = (*OVERVIEW_COLUMNS, *_sampled_columns(agreements), MOSTLY_COLUMN)
    return (
        Grid(columns, rows),
        Bullets(("kernels, copies and bytes of each: diag export --table devices",)),
    )


def _sampled_columns(agreements: tuple[AgreementPart, ...]) -> tuple[Column, ...]:
    return (SAMPLED_COLUMN,) if agreements else ()


def _sampled_cells(device: DevicePart, agreements: tuple[AgreementPart, ...]) -> tuple[str, ...]:
    """By the first source that says anything; the others are in the lines below the table."""
    if not agreements:
        return ()
    shares = [a.sampled_share for a in agreements if a.device == device.device]
    known = [share for share in shares if not isinstance(share, Unavailable)]
    return (percent(known[0]) if known else NOT_AVAILABLE,)


def _events_text(device: DevicePart) -> str:
    name = printable(device.device, NAME_MAX_CHARS)
    if not isinstance(device.device_model, Unavailable):
        name = f"{name} ({printable(device.device_model, NAME_MAX_CHARS)})"
    counts = [
        f"{number(n)} {one if n == 1 else many}"
        for n, one, many in (
            (device.kernels, "kernel", "kernels"),
            (device.copies, "copy", "copies"),
            (device.memsets, "memset", "memsets"),
        )
        if n
    ]
    texts = [f"{name}: {', '.join(counts) or 'nothing ran'}"]
    for size, where in ((device.bytes_in, "in"), (device.bytes_out, "out")):
        if not isinstance(size, Unavailable) and size:
            texts.append(f"{byte_size(size)} copied {where}")
    if device.unlinked:
        texts.append(f"{number(device.unlinked)} of no recorded step")
    return "; ".join(texts)


def _loss_blocks(loss: DeviceLossPart) -> tuple[Block, ...]:
    """Right at the table, since it changes what the table means; the caveats tell the rest."""
    if not loss.dropped:
        return ()
    text = f"{number(loss.dropped)} device events were dropped: busy times are lower bounds"
    return (Paragraph(text, label="tracer"),)


def _check_blocks(agreements: tuple[AgreementPart, ...]) -> tuple[Block, ...]:
    """A line each; of many devices, those that agree share one for each source.

    What to do about several devices is the same, and said once, after all of them.
    """
    agreeing: dict[str, list[str]] = {}
    if len(agreements) > SINGLE_TABLES_MAX:
        for item in agreements:
            if item.kind == _AGREE:
                agreeing.setdefault(item.source, []).append(printable(item.device, NAME_MAX_CHARS))
    texts = [
        f"{source} agrees with the trace on {', '.join(devices)}"
        for source, devices in agreeing.items()
    ]
    rest = [item for item in agreements if not (agreeing and item.kind == _AGREE)]
    remedies = [item.remedy for item in rest]
    for item in rest:
        alone = remedies.count(item.remedy) == 1
        text = f"{item.text} {item.advice}" if alone and item.advice else item.text
        texts.append(f"{text} [{item.kind}{_bound_text(item)}]")
    advice = {item.remedy: item.advice for item in rest if remedies.count(item.remedy) > 1}
    texts += [text for text in advice.values() if text]
    return tuple(Paragraph(text, label="samples") for text in texts)


def _bound_text(item: AgreementPart) -> str:
    """The sentence has the shares; how well the clocks are related bounds what it may claim."""
    if isinstance(item.clock_error_ns, Unavailable):
        return ""
    return f"; clocks within {duration(item.clock_error_ns)}"
