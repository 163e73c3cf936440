"""One model's ledger: the share of its requests' time in each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import NOT_AVAILABLE, duration, milliseconds, number, percent
from diag.report.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row

if TYPE_CHECKING:
    from diag.report.report import GroupPart, ModelPart, OpPart, PoolPart, Spread, StagePart

TAIL = "p99-p50"
COLUMNS = (
    Column("stage", is_number=False),
    Column("share"),
    Column("mean ms"),
    Column("p50"),
    Column("p90"),
    Column("p99"),
    Column(TAIL),
)
_UNKNOWN_CELLS = (NOT_AVAILABLE,) * (len(COLUMNS) - 1)
_NO_CELL = ""
OPS_SHOWN_MAX = 5
POOLS_SHOWN_MAX = 2


def ledger_blocks(model: ModelPart) -> tuple[Block, ...]:
    """The whole request first, then each group with the stages that are not 0 everywhere."""
    name = printable(model.model, NAME_MAX_CHARS)
    heading = Heading(
        f"Where the time of {name} goes: {number(model.latency.n)} requests, "
        f"{number(model.rate_per_second)}/s, {', '.join(model.modes)}"
    )
    rows = [_total_row(model)]
    for group in model.groups:
        rows += _group_rows(group)
    return (heading, Grid(COLUMNS, tuple(rows)), Bullets(tuple(_notes(model))))


def host_blocks(ops: tuple[OpPart, ...], pools: tuple[PoolPart, ...]) -> tuple[Block, ...]:
    """The ops with most time and the pools with most waiting; the rest is in the JSON report."""
    parts = []
    if ops:
        parts.append(", ".join(_op_text(op) for op in ops[:OPS_SHOWN_MAX]))
    parts += [_pool_text(pool) for pool in pools[:POOLS_SHOWN_MAX]]
    return (Paragraph("; ".join(parts), label="host ops"),) if parts else ()


def _pool_text(pool: PoolPart) -> str:
    percentiles = (("p50", pool.wait.p50_ns), ("p99", pool.wait.p99_ns))
    known = [f"{name} {duration(ns)}" for name, ns in percentiles if isinstance(ns, int)]
    times = ", ".join([f"mean {duration(pool.wait.mean_ns)}", *known])
    name = printable(pool.pool, NAME_MAX_CHARS)
    return f"waits for a thread of {name}: {number(pool.wait.n)}, {times}"


def _op_text(op: OpPart) -> str:
    early = ", preprocessing" if op.is_preprocess else ""
    name = printable(op.op, NAME_MAX_CHARS)
    return f"{name} {duration(op.total_ns)} ({number(op.events)} events{early})"


def _total_row(model: ModelPart) -> Row:
    cells = ("request", percent(1.0), *_times(model.latency), milliseconds(model.tail_ns))
    return Row(cells, is_strong=True)


def _group_rows(group: GroupPart) -> list[Row]:
    """Nothing for a group that is 0 everywhere; one row where one stage is all of it."""
    stages = [stage for stage in group.stages if _is_shown(stage)]
    if not stages:
        return []
    if len(stages) == 1:
        return [_lone_row(group, stages[0])]
    subtotal = Row(
        (
            group.group,
            percent(group.share),
            milliseconds(group.mean_ns),
            _NO_CELL,
            _NO_CELL,
            _NO_CELL,
            milliseconds(group.tail_ns),
        )
        if group.known
        else (group.group, *_UNKNOWN_CELLS),
        is_strong=True,
    )
    return [subtotal, *(Row((stage.stage, *_stage_cells(stage)), indent=1) for stage in stages)]


def _lone_row(group: GroupPart, stage: StagePart) -> Row:
    """The subtotal would only repeat the stage."""
    is_same = len(group.stages) == 1 or stage.stage == group.group
    label = group.group if is_same else f"{group.group}: {stage.stage}"
    return Row((label, *_stage_cells(stage)), is_strong=True)


def _stage_cells(stage: StagePart) -> tuple[str, ...]:
    if not stage.known:
        return _UNKNOWN_CELLS
    return (percent(stage.share), *_times(stage.time), milliseconds(stage.tail_ns))


def _times(time: Spread) -> tuple[str, str, str, str]:
    return (
        milliseconds(time.mean_ns),
        milliseconds(time.p50_ns),
        milliseconds(time.p90_ns),
        milliseconds(time.p99_ns),
    )


def _is_shown(stage: StagePart) -> bool:
    return not stage.known or stage.share > 0


def _missing_percentiles(time: Spread) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for label, value in (("p50", time.p50_ns), ("p90", time.p90_ns), ("p99", time.p99_ns)):
        if isinstance(value, Unavailable):
            reasons.setdefault(value.reason, []).append(label)
    return [f"{', '.join(labels)} {NOT_AVAILABLE}: {why}" for why, labels in reasons.items()]


def _notes(model: ModelPart) -> list[str]:
    """What the columns mean, what was folded, and why a cell says n/a."""
    notes = []
    if isinstance(model.tail_ns, Unavailable):
        notes.append(f"{TAIL} {NOT_AVAILABLE}: {model.tail_ns.reason}")
    else:
        notes.append(
            f"{TAIL}: mean of the 1% of requests around p99, minus that of the 10% around p50"
        )
    notes += _missing_percentiles(model.latency)
    stages = [stage for group in model.groups for stage in group.stages]
    unknown = [stage.stage for stage in stages if not stage.known]
    if unknown:
        notes.append(
            f"no event bounds {', '.join(unknown)} here: that time is in a neighbour "
            "or in unattributed"
        )
    folded = [stage.stage for stage in stages if not _is_shown(stage)]
    if folded:
        notes.append(f"0 in every request: {', '.join(folded)}")
    return notes
