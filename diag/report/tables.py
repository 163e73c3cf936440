"""Analysis → the tables that ``diag export`` writes, column by column.

Wall-clock columns are empty where the capture's origin is unknown; a cell that cannot be known is
None. docs/export.md describes every column.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.serving import CLOSE_REASONS, MODES, STAGES, Parameter, Stage
from diag.report.columns import (
    CellKind,
    TableColumn,
    TableColumns,
    number_column,
    text_column,
    unix_column,
)
from diag.report.tables_device import cost_columns, device_columns, kernel_columns
from diag.report.tables_gaps import gap_columns
from diag.report.tables_samples import sample_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.analysis.result import Analysis


def request_columns(analysis: Analysis) -> TableColumns:
    """One row a whole request, complete or not; its stages add up to ``duration_ns``."""
    table, origin = analysis.requests, analysis.capture.origin_unix_ns
    ids = analysis.batches.id.tolist()
    members = [ids[row] for row in table.batch_index.tolist()]
    offsets = table.batch_offsets.tolist()
    batch_ids = [tuple(members[a:b]) for a, b in pairwise(offsets)]
    return (
        unix_column("start_unix_ns", origin, table.start_ns),
        unix_column("end_unix_ns", origin, table.end_ns),
        number_column("duration_ns", table.duration_ns),
        number_column("rows", table.rows, known=table.rows >= 0),
        text_column("model", table.models, table.model_index.tolist()),
        text_column("mode", tuple(mode.value for mode in MODES), table.mode_index.tolist()),
        TableColumn("complete", CellKind.FLAG, table.complete.tolist()),
        TableColumn("batch_ids", CellKind.BIG_NUMBERS, batch_ids),
        text_column("linked_by", table.links, table.linked_by_index.tolist()),
        *(_stage_column(analysis, stage) for stage in STAGES),
    )


def _stage_column(analysis: Analysis, stage: Stage) -> TableColumn:
    """Empty where unknown, unless the table holds time there: a row must add up."""
    times_ns = analysis.requests.stage_ns[:, stage.index]
    known = analysis.requests.stage_known[:, stage.index] | (times_ns != 0)
    return number_column(stage.column, times_ns, known=known)


def batch_columns(analysis: Analysis) -> TableColumns:
    """One row a batch whose processing was recorded whole."""
    table, origin = analysis.batches, analysis.capture.origin_unix_ns
    queue_rows = table.queue_index.tolist()
    return (
        TableColumn("id", CellKind.BIG_NUMBER, table.id.tolist()),
        text_column("queue", tuple(queue.key for queue in table.queues), queue_rows),
        text_column("model", analysis.requests.models, table.model_index.tolist()),
        unix_column("start_unix_ns", origin, table.start_ns),
        unix_column("end_unix_ns", origin, table.end_ns),
        number_column("duration_ns", table.end_ns - table.start_ns),
        unix_column("run_start_unix_ns", origin, table.run_start_ns, known=table.run_start_ns >= 0),
        unix_column("run_end_unix_ns", origin, table.run_end_ns, known=table.run_end_ns >= 0),
        number_column("rows", table.rows, known=table.rows >= 0),
        number_column("padded_rows", table.padded_rows, known=table.padded_rows >= 0),
        number_column("tasks", table.tasks),
        unix_column(
            "first_enqueue_unix_ns",
            origin,
            table.first_enqueue_ns,
            known=table.first_enqueue_ns >= 0,
        ),
        unix_column("ready_unix_ns", origin, table.ready_ns, known=table.ready_ns >= 0),
        text_column(
            "close_reason",
            tuple(reason.value for reason in CLOSE_REASONS),
            table.close_reason_index.tolist(),
        ),
        *_parameter_columns("max_batch_size", [q.max_batch_size for q in table.queues], queue_rows),
        *_parameter_columns(
            "batch_timeout_ns", [q.batch_timeout_ns for q in table.queues], queue_rows
        ),
        *_parameter_columns(
            "num_batch_threads", [q.num_batch_threads for q in table.queues], queue_rows
        ),
    )


def _parameter_columns(
    name: str, parameters: list[Parameter | Unavailable], queue_rows: list[int]
) -> TableColumns:
    """The value and its origin, both empty where the queue's parameter is not known."""
    known = [None if isinstance(p, Unavailable) else p for p in parameters]
    values = [None if p is None else p.value for p in known]
    origins = [None if p is None else p.origin.value for p in known]
    return (
        TableColumn(name, CellKind.NUMBER, [values[row] for row in queue_rows]),
        TableColumn(
            f"{name.removesuffix('_ns')}_origin",
            CellKind.TEXT,
            [origins[row] for row in queue_rows],
        ),
    )


TABLES: dict[str, Callable[[Analysis], TableColumns]] = {
    "requests": request_columns,
    "batches": batch_columns,
    "gaps": gap_columns,
    "devices": device_columns,
    "kernels": kernel_columns,
    "costs": cost_columns,
    "samples": sample_columns,
}
