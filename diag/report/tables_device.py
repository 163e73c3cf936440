"""The tables about GPUs: totals of each, kernels and ops, and what batches cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.columns import CellKind, TableColumn, TableColumns, cell_column

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

_NUMBERS = (
    "busy_ns",
    "kernel_ns",
    "copy_ns",
    "memset_ns",
    "idle_ns",
    "starved_ns",
    "no_demand_ns",
    "kernels",
    "copies",
    "memsets",
    "unlinked",
    "bytes_in",
    "bytes_out",
    "overhead_ns",
)


def device_columns(analysis: Analysis) -> TableColumns:
    """One row a GPU plane, in plane order."""
    devices = analysis.devices
    return (
        TableColumn("device", CellKind.TEXT, [device.name for device in devices]),
        TableColumn("window_ns", CellKind.NUMBER, [d.window.duration_ns for d in devices]),
        *(
            cell_column(name, CellKind.NUMBER, [getattr(device, name) for device in devices])
            for name in _NUMBERS
        ),
        cell_column("device_model", CellKind.TEXT, [device.model for device in devices]),
    )


def kernel_columns(analysis: Analysis) -> TableColumns:
    """Kernels, then ops, each with most time first."""
    rows = [("kernel", item) for item in analysis.kernels]
    rows += [("op", item) for item in analysis.device_ops]
    return (
        TableColumn("kind", CellKind.TEXT, [kind for kind, _ in rows]),
        TableColumn("name", CellKind.TEXT, [item.name for _, item in rows]),
        cell_column("op", CellKind.TEXT, [item.op for _, item in rows]),
        TableColumn("events", CellKind.NUMBER, [item.count for _, item in rows]),
        TableColumn("total_ns", CellKind.NUMBER, [item.total_ns for _, item in rows]),
    )


def cost_columns(analysis: Analysis) -> TableColumns:
    """One row a model and executed batch size: the points of its curve of device time."""
    rows = [(cost.model, point) for cost in analysis.device_costs for point in cost.curve]
    points = [point for _, point in rows]
    sizes = [point.rows if point.rows >= 0 else None for point in points]
    return (
        TableColumn("model", CellKind.TEXT, [model for model, _ in rows]),
        TableColumn("rows", CellKind.NUMBER, sizes),
        TableColumn("runs", CellKind.NUMBER, [point.runs for point in points]),
        TableColumn("mean_ns", CellKind.NUMBER, [point.mean_ns for point in points]),
        cell_column("p10_ns", CellKind.NUMBER, [point.p10_ns for point in points]),
        cell_column("p50_ns", CellKind.NUMBER, [point.p50_ns for point in points]),
        cell_column("p90_ns", CellKind.NUMBER, [point.p90_ns for point in points]),
    )
