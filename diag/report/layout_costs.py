"""What a model costs on GPUs: device time by batch size, kernels, copies, padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.device import LargerBatches
from diag.model.printable import NAME_MAX_CHARS, kernel_name, printable
from diag.model.quantity import byte_size, duration, milliseconds, number, percent
from diag.report.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.device_parts import BatchSizeCostPart, DeviceCostPart, KernelPart

COLUMNS = (
    Column("rows in a run"),
    Column("runs"),
    Column("mean ms"),
    Column("p10"),
    Column("p50"),
    Column("p90"),
)
SIZES_SHOWN_MAX = 8
KERNELS_SHOWN_MAX = 5
_EFFECTS = {
    LargerBatches.NEARLY_FREE.value: ": bigger batches are nearly free",
    LargerBatches.SAVE_NOTHING.value: ": bigger batches save next to nothing",
}


def cost_blocks(
    costs: tuple[DeviceCostPart, ...],
    kernels: tuple[KernelPart, ...],
    device_ops: tuple[KernelPart, ...],
) -> tuple[Block, ...]:
    """Nothing where nothing ran on a GPU; the rest is in the JSON report."""
    return (
        *(block for cost in costs for block in _model_blocks(cost)),
        *_kernel_blocks(kernels, "kernels"),
        *_kernel_blocks(device_ops, "GPU ops"),
    )


def _model_blocks(cost: DeviceCostPart) -> tuple[Block, ...]:
    name = printable(cost.model, NAME_MAX_CHARS)
    often = sorted(cost.curve, key=lambda point: -point.runs)[:SIZES_SHOWN_MAX]
    shown = tuple(point for point in cost.curve if point in often)
    notes = list(_notes(cost))
    if len(shown) < len(cost.curve):
        notes.append(
            f"the {number(len(shown))} most frequent of {number(len(cost.curve))} sizes; "
            "diag export --table costs has all"
        )
    return (
        Heading(f"What {name} costs on the GPU: {number(cost.requests)} requests"),
        Grid(COLUMNS, tuple(_point_row(point) for point in shown)),
        Bullets(tuple(notes)),
    )


def _point_row(point: BatchSizeCostPart) -> Row:
    return Row(
        (
            number(point.rows),
            number(point.runs),
            milliseconds(point.mean_ns),
            milliseconds(point.p10_ns),
            milliseconds(point.p50_ns),
            milliseconds(point.p90_ns),
        )
    )


def _notes(cost: DeviceCostPart) -> Iterator[str]:
    yield ", ".join(_request_texts(cost))
    if not isinstance(cost.fixed_ns, Unavailable):
        yield f"a run takes {_fit_text(cost, cost.fixed_ns)}"
    if not isinstance(cost.padding_ns, Unavailable) and cost.padding_ns:
        most = "at most " if cost.padding_is_bound else ""
        yield f"padding rows took {most}{duration(cost.padding_ns)} of device time"
    if not isinstance(cost.launch_bound_score, Unavailable):
        yield (
            f"launch-bound score {percent(cost.launch_bound_score)}: the part of runs in which "
            "the GPU had nothing of theirs to do while the host was launching"
        )


def _fit_text(cost: DeviceCostPart, fixed_ns: float) -> str:
    """The fitted line, and what larger batches do to it where the sizes seen show that."""
    per_row = cost.per_row_ns
    effect = _EFFECTS.get(cost.larger_batches, "") if isinstance(cost.larger_batches, str) else ""
    if isinstance(per_row, Unavailable):
        return f"{duration(fixed_ns)} whatever its rows{effect}"
    fixed = f"{duration(fixed_ns)} + " if fixed_ns > 0 else ""
    return f"{fixed}{duration(per_row)} x rows, fitted{effect}"


def _request_texts(cost: DeviceCostPart) -> Iterator[str]:
    yield f"a request: {duration(cost.device_ns_per_request)} of device time"
    yield f"{number(cost.kernels_per_request)} kernels"
    for size, speed, where in (
        (cost.bytes_in_per_request, cost.in_gb_per_s, "in"),
        (cost.bytes_out_per_request, cost.out_gb_per_s, "out"),
    ):
        if not isinstance(size, Unavailable):
            pace = "" if isinstance(speed, Unavailable) else f" at {number(speed)} GB/s"
            yield f"{byte_size(size)} {where}{pace}"


def _kernel_blocks(items: tuple[KernelPart, ...], label: str) -> tuple[Block, ...]:
    if not items:
        return ()
    texts = tuple(_kernel_text(item) for item in items[:KERNELS_SHOWN_MAX])
    return (Paragraph("with most device time", label=label), Bullets(texts))


def _kernel_text(item: KernelPart) -> str:
    text = f"{kernel_name(item.name)} {duration(item.total_ns)} ({number(item.events)} events"
    if isinstance(item.op, Unavailable):
        return f"{text})"
    return f"{text}, {printable(item.op, NAME_MAX_CHARS)})"
