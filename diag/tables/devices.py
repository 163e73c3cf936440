"""The tables about GPUs: totals of each device, kernels and ops, and the cost of batch sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.tables.column import ColumnInfo, ColumnKind, from_cells

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.tables.column import Column


def _whole(name: str, unit: str, meaning: str) -> ColumnInfo:
    return ColumnInfo(name, unit, meaning, ColumnKind.INTEGER)


def _text(name: str, meaning: str) -> ColumnInfo:
    return ColumnInfo(name, "", meaning, ColumnKind.TEXT)


_DEVICE = _text("device", "The plane, such as `/device:GPU:0`.")
_WINDOW = _whole("window_ns", "ns", "Length of the window.")
_DEVICE_MODEL = _text(
    "device_model", "The product name that the driver gives; or vendor, cores and memory."
)
_DEVICE_NUMBERS = (
    _whole("busy_ns", "ns", "Time with work on any stream."),
    _whole("kernel_ns", "ns", "Part of `busy_ns` with a kernel."),
    _whole("copy_ns", "ns", "Part of `busy_ns` with a copy and no kernel."),
    _whole("memset_ns", "ns", "Part of `busy_ns` with a memset and neither of these."),
    _whole("idle_ns", "ns", "Time without work on any stream."),
    _whole("starved_ns", "ns", "Part of `idle_ns` with requests waiting to be fed to the device."),
    _whole("no_demand_ns", "ns", "Part of `idle_ns` without any work for the device."),
    _whole("kernels", "", "Kernels within the window."),
    _whole("copies", "", "Copies within the window."),
    _whole("memsets", "", "Memsets within the window."),
    _whole("unlinked", "", "Of these three, those that no recorded step launched."),
    _whole("bytes_in", "bytes", "Copied from the host; missing where no copy records its size."),
    _whole("bytes_out", "bytes", "Copied to the host; missing where no copy records its size."),
    _whole("overhead_ns", "ns", "Time covered by the tracer's own records."),
)
_KIND = _text("kind", "`kernel`, or `op`: all device work of one op.")
_NAME = _text("name", "The full symbol of the kernel, or `<node>:<OpType>`.")
_OP = _text("op", "For a kernel, the op that launched it most often.")
_OPS = _whole("ops", "", "For a kernel, how many different ops launched it; for an op, 1.")
_EVENTS = _whole("events", "", "Number of events.")
_TOTAL = _whole("total_ns", "ns", "Sum of their durations, which may overlap.")
_MODEL = _text("model", "Label of the model.")
_COST_ROWS = _whole(
    "rows",
    "",
    "Executed examples, padding included; missing for unbatched runs whose rows no event records.",
)
_RUNS = _whole("runs", "", "Runs with device work, recorded whole.")
_MEAN = ColumnInfo(
    "mean_ns",
    "ns",
    "Device time per run: the union of the run's kernels and memsets.",
    ColumnKind.REAL,
)
_QUANTILES = tuple(
    _whole(f"{name}_ns", "ns", f"{meaning} of the device time; missing for too few runs.")
    for name, meaning in (("p10", "10th percentile"), ("p50", "Median"), ("p90", "90th percentile"))
)


def device_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table of devices; its rows are in plane order."""
    devices = analysis.devices
    return (
        from_cells(_DEVICE, [device.name for device in devices]),
        from_cells(_WINDOW, [device.window.duration_ns for device in devices]),
        *(
            from_cells(info, [getattr(device, info.name) for device in devices])
            for info in _DEVICE_NUMBERS
        ),
        from_cells(_DEVICE_MODEL, [device.model for device in devices]),
    )


def kernel_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table of kernels: kernels, then ops, each with most time first."""
    rows = [("kernel", item) for item in analysis.kernels]
    rows += [("op", item) for item in analysis.device_ops]
    return (
        from_cells(_KIND, [kind for kind, _ in rows]),
        from_cells(_NAME, [item.name for _, item in rows]),
        from_cells(_OP, [item.op for _, item in rows]),
        from_cells(_OPS, [item.ops for _, item in rows]),
        from_cells(_EVENTS, [item.count for _, item in rows]),
        from_cells(_TOTAL, [item.total_ns for _, item in rows]),
    )


def cost_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table of costs: the points of each model's curve of device time by rows."""
    rows = [(cost.model, point) for cost in analysis.device_costs for point in cost.curve]
    points = [point for _, point in rows]
    return (
        from_cells(_MODEL, [model for model, _ in rows]),
        from_cells(_COST_ROWS, [point.rows if point.rows >= 0 else None for point in points]),
        from_cells(_RUNS, [point.runs for point in points]),
        from_cells(_MEAN, [point.mean_ns for point in points]),
        *(from_cells(info, [getattr(point, info.name) for point in points]) for info in _QUANTILES),
    )
