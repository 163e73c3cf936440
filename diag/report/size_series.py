"""t(b), the time of a batch or of a run on a GPU by its rows: what was measured, and the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.fit import line_ns
from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.report.rows import make_series, number_column

if TYPE_CHECKING:
    from diag.analysis.result import BatchSummary
    from diag.model.device import BatchSizeCost, ModelDeviceCost
    from diag.model.serving import BatchTable
    from diag.report.model import Cell, Series

DEVICE_COLUMNS = (
    number_column("rows", "rows", "rows", "Rows that a run executed, padding included."),
    number_column("runs", "runs", "count", "Number of runs with this many rows."),
    number_column("mean_ns", "mean", "ns", "Mean device time of a run."),
    number_column("p10_ns", "p10", "ns", "10th percentile of the device time."),
    number_column("p50_ns", "p50", "ns", "Median of the device time."),
    number_column("p90_ns", "p90", "ns", "90th percentile of the device time."),
)
BATCH_COLUMNS = (
    number_column("rows", "rows", "rows", "Rows that a batch executed, padding included."),
    number_column("runs", "batches", "count", "Number of batches with this many rows."),
    number_column("mean_ns", "mean", "ns", "Mean time of such a batch, from dequeue to done."),
)
FITTED = number_column("fitted_ns", "fitted", "ns", "The fitted line at so many rows.")
_ROWS_UNKNOWN = Unavailable("no event tells the rows of a run that was not batched")


def device_time_series(cost: ModelDeviceCost) -> Series:
    """Of the runs of a model; runs of unknown rows have no place on the axis."""
    points = [
        (*device_point(each), line_ns(cost.fixed_ns, cost.per_row_ns, each.rows))
        for each in cost.curve
        if each.rows >= 0
    ]
    title = f"GPU time of a run of {printable(cost.model, NAME_MAX_CHARS)} by its rows"
    columns = (*DEVICE_COLUMNS, FITTED)
    return make_series(f"device_time.{cost.model}", title, "points", columns, points)


def device_point(of: BatchSizeCost) -> tuple[Cell, ...]:
    """The cells of ``DEVICE_COLUMNS``."""
    rows = of.rows if of.rows >= 0 else _ROWS_UNKNOWN
    return (rows, of.runs, of.mean_ns, of.p10_ns, of.p50_ns, of.p90_ns)


def batch_time_series(table: BatchTable, summary: BatchSummary, name: str) -> Series:
    """Of the batches of a queue: those that ``summary.line`` is fitted to."""
    mine = table.of_queue(summary.queue) & (table.executed_rows > 0)
    rows, time_ns = table.executed_rows[mine], (table.end_ns - table.start_ns)[mine]
    sizes, code = np.unique(rows, return_inverse=True)
    runs, total = np.bincount(code, minlength=len(sizes)), np.zeros(len(sizes), np.int64)
    np.add.at(total, code, time_ns)
    points = [
        (size, n, sum_ns / n, summary.line.time_ns(size))
        for size, n, sum_ns in zip(sizes.tolist(), runs.tolist(), total.tolist(), strict=True)
    ]
    key = summary.queue.key
    return make_series(
        f"batch_time.{key}",
        f"Time of a batch of {printable(name, NAME_MAX_CHARS)} by its rows",
        "points",
        (*BATCH_COLUMNS, FITTED),
        points,
    )
