"""What a model costs on GPUs: device time by batch size, kernels, copies, padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.device import LargerBatches
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.report.model import Column, Note, Section
from diag.report.notes import note
from diag.report.rows import VALUE_COLUMNS, Row, make_table, name_column, number_column, value_row
from diag.report.size_series import DEVICE_COLUMNS, device_point, device_time_series
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.device import KernelTime, ModelDeviceCost
    from diag.report.model import Cell, Table

KERNEL_COLUMNS = (
    Column("name", "kernel", "", "Symbol of the kernel.", "symbol"),
    number_column("total_ns", "total", "ns", "Sum over its events, which may overlap."),
    number_column("events", "events", "count", "How often it ran."),
    number_column("ops", "ops", "count", "How many different ops launched it."),
    name_column("op", "example op", "The op that launched it most often; or the first by name."),
)
OP_COLUMNS = (
    name_column("name", "op", "Node and type of the op."),
    number_column("total_ns", "total", "ns", "Sum over its device work, which may overlap."),
    number_column("events", "events", "count", "Kernels, copies and memsets of it."),
)
SIZES_SHOWN_MAX = 8
KERNELS_SHOWN_MAX = 5
_EFFECTS = {
    LargerBatches.NEARLY_FREE: "larger batches are nearly free",
    LargerBatches.SAVE_SOME: "larger batches save device time",
    LargerBatches.SAVE_NOTHING: "larger batches save almost nothing",
}


@topic(order=700)
def cost_sections(inputs: ReportInputs) -> Iterator[Section]:
    """One a model; nothing where nothing ran on a GPU."""
    for cost in inputs.analysis.device_costs:
        yield Section(
            id="device_cost",
            title=f"What {printable(cost.model, NAME_MAX_CHARS)} costs on the GPU",
            subject=cost.model,
            notes=tuple(_cost_notes(cost)),
            tables=(_cost_table(cost), _curve_table(cost)),
            series=(device_time_series(cost),),
        )


@topic(order=750)
def kernel_sections(inputs: ReportInputs) -> Iterator[Section]:
    """The kernels and ops with most device time."""
    analysis = inputs.analysis
    tables = [
        make_table(id_, "", columns, _kernel_rows(items, has_op=len(columns) > len(OP_COLUMNS)))
        for id_, columns, items in (
            ("kernels", KERNEL_COLUMNS, analysis.kernels),
            ("device_ops", OP_COLUMNS, analysis.device_ops),
        )
        if items
    ]
    if tables:
        yield Section(
            id="kernels", title="Kernels and ops with most GPU time", tables=tuple(tables)
        )


def _kernel_rows(items: tuple[KernelTime, ...], *, has_op: bool) -> Iterator[Row]:
    for rank, item in enumerate(items):
        cells: tuple[Cell, ...] = (item.name, item.total_ns, item.count)
        yield Row(
            (*cells, item.ops, item.op) if has_op else cells, is_detail=rank >= KERNELS_SHOWN_MAX
        )


def _cost_notes(cost: ModelDeviceCost) -> Iterator[Note]:
    """The fitted line, and what it means for larger batches where the sizes seen show that."""
    if isinstance(cost.fixed_ns, Unavailable):
        return
    if isinstance(cost.per_row_ns, Unavailable):
        line = "A run takes {fixed} whatever its rows"
    elif cost.fixed_ns > 0:
        line = "A run takes {fixed} + {per_row} per row (fitted)"
    else:
        line = "A run takes {per_row} per row (fitted)"
    effect = (
        _EFFECTS.get(cost.larger_batches)
        if isinstance(cost.larger_batches, LargerBatches)
        else None
    )
    yield note(
        f"{line}: {effect}." if effect else f"{line}.",
        fixed=(cost.fixed_ns, "ns"),
        per_row=(cost.per_row_ns, "ns"),
    )


def _cost_table(cost: ModelDeviceCost) -> Table:
    most = " (at most)" if cost.padding_is_bound else ""
    shown: tuple[tuple[str, str, Cell, str], ...] = (
        ("requests", "requests", cost.requests, "count"),
        ("GPU time per request", "device_ns_per_request", cost.device_ns_per_request, "ns"),
        ("kernels per request", "kernels_per_request", cost.kernels_per_request, "count"),
        ("copied in per request", "bytes_in_per_request", cost.bytes_in_per_request, "bytes"),
        ("speed of copies in", "in_gb_per_s", cost.in_gb_per_s, "GB/s"),
        ("copied out per request", "bytes_out_per_request", cost.bytes_out_per_request, "bytes"),
        ("speed of copies out", "out_gb_per_s", cost.out_gb_per_s, "GB/s"),
        (f"GPU time of padding rows{most}", "padding_ns", cost.padding_ns, "ns"),
        (
            "share of a run in which the GPU waits for launches",
            "launch_bound_score",
            cost.launch_bound_score,
            "ratio",
        ),
    )
    details: tuple[tuple[str, str, Cell, str], ...] = (
        ("padding time is an upper bound", "padding_is_bound", cost.padding_is_bound, ""),
        ("GPU time of a run apart from its rows", "fixed_ns", cost.fixed_ns, "ns"),
        ("GPU time per row", "per_row_ns", cost.per_row_ns, "ns"),
    )
    rows = [
        # What is 0 or not known is shown on request.
        *(value_row(*each, is_detail=not each[2] or _is_unknown(each[2])) for each in shown),
        *(value_row(*each, is_detail=True) for each in details),
    ]
    return make_table("device_cost", "", VALUE_COLUMNS, rows)


def _is_unknown(value: Cell) -> bool:
    return isinstance(value, Unavailable)


def _curve_table(cost: ModelDeviceCost) -> Table:
    often = sorted(cost.curve, key=lambda point: -point.runs)[:SIZES_SHOWN_MAX]
    rows = [Row(device_point(point), is_detail=point not in often) for point in cost.curve]
    notes = (
        note(
            "the {shown} most frequent of {all} sizes",
            style="item",
            shown=(len(often), "count"),
            all=(len(cost.curve), "count"),
        ),
    )
    return make_table(
        "device_time_by_rows",
        "GPU time by rows in a run",
        DEVICE_COLUMNS,
        rows,
        notes if len(often) < len(cost.curve) else (),
        is_data_only=all(point.rows < 0 for point in cost.curve),
    )
