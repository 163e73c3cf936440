"""The table of batches: one row per batch whose processing was recorded whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable
from diag.model.serving import CLOSE_REASONS
from diag.tables.column import (
    Column,
    ColumnInfo,
    ColumnKind,
    from_cells,
    integers,
    objects,
    texts,
    wall_clock,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis.result import Analysis
    from diag.model.events import Ints
    from diag.model.serving import Parameter

_ID = ColumnInfo("id", "", "The scheduler's number of the batch, unsigned 64 bit.", ColumnKind.ID)
_QUEUE = ColumnInfo(
    "queue", "", "The upper half of the ids of one queue's batches, in hex.", ColumnKind.TEXT
)
_MODEL = ColumnInfo("model", "", "Name and version of the model.", ColumnKind.TEXT)
_START = ColumnInfo("start_unix_ns", "ns", "A batch thread took the batch.", ColumnKind.TIME)
_END = ColumnInfo("end_unix_ns", "ns", "The batch callback ended, half-open.", ColumnKind.TIME)
_DURATION = ColumnInfo("duration_ns", "ns", "End minus start.", ColumnKind.INTEGER)
_RUN_START = ColumnInfo(
    "run_start_unix_ns", "ns", "Start of the Session::Run or function in it.", ColumnKind.TIME
)
_RUN_END = ColumnInfo("run_end_unix_ns", "ns", "End of that run, half-open.", ColumnKind.TIME)
_ROWS = ColumnInfo("rows", "", "Examples before padding.", ColumnKind.INTEGER)
_PADDED_ROWS = ColumnInfo("padded_rows", "", "Examples as executed.", ColumnKind.INTEGER)
_TASKS = ColumnInfo(
    "tasks", "", "Requests, or parts of requests, whose enqueue was recorded.", ColumnKind.INTEGER
)
_FIRST_ENQUEUE = ColumnInfo(
    "first_enqueue_unix_ns", "ns", "The first request opened the batch.", ColumnKind.TIME
)
_READY = ColumnInfo(
    "ready_unix_ns",
    "ns",
    "The batch was full or timed out, so it could run.",
    ColumnKind.TIME,
)
_CLOSE_REASON = ColumnInfo(
    "close_reason",
    "",
    "Why it took no more rows: `size`, `timeout`, `thread` or `unknown`.",
    ColumnKind.TEXT,
)
_PARAMETER_MEANINGS = {
    "max_batch_size": "The queue's limit of rows in a batch.",
    "batch_timeout_ns": "How long the queue waits for a batch to fill.",
    "num_batch_threads": "Threads that execute the queue's batches.",
}


def batch_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table; its rows are ordered by start."""
    batches, origin = analysis.batches, analysis.capture.origin_unix_ns

    def clock(info: ColumnInfo, times_ns: Ints) -> Column:
        return wall_clock(info, origin, times_ns, known=times_ns >= 0)

    return (
        integers(_ID, batches.id),
        texts(_QUEUE, tuple(queue.key for queue in batches.queues), batches.queue_index),
        texts(_MODEL, analysis.requests.models, batches.model_index),
        wall_clock(_START, origin, batches.start_ns),
        wall_clock(_END, origin, batches.end_ns),
        integers(_DURATION, batches.end_ns - batches.start_ns),
        clock(_RUN_START, batches.run_start_ns),
        clock(_RUN_END, batches.run_end_ns),
        integers(_ROWS, batches.rows, known=batches.rows >= 0),
        integers(_PADDED_ROWS, batches.padded_rows, known=batches.padded_rows >= 0),
        integers(_TASKS, batches.tasks),
        clock(_FIRST_ENQUEUE, batches.first_enqueue_ns),
        clock(_READY, batches.ready_ns),
        texts(
            _CLOSE_REASON,
            tuple(reason.value for reason in CLOSE_REASONS),
            batches.close_reason_index,
        ),
        *_parameter_columns(analysis, "max_batch_size", ""),
        *_parameter_columns(analysis, "batch_timeout_ns", "ns"),
        *_parameter_columns(analysis, "num_batch_threads", ""),
    )


def _parameter_columns(analysis: Analysis, name: str, unit: str) -> tuple[Column, Column]:
    """The value and its origin, both missing where the queue's parameter is not known."""
    batches = analysis.batches
    parameters: list[Parameter | Unavailable] = [getattr(q, name) for q in batches.queues]
    known = [None if isinstance(each, Unavailable) else each for each in parameters]
    value = ColumnInfo(name, unit, _PARAMETER_MEANINGS[name], ColumnKind.INTEGER)
    origin = ColumnInfo(
        f"{name.removesuffix('_ns')}_origin",
        "",
        "How that is known: `metrics`, `file`, `default` (not set in the file) or `estimated`.",
        ColumnKind.TEXT,
    )
    values = [None if each is None else each.value for each in known]
    origins = [None if each is None else each.origin.value for each in known]
    return (
        _of_queues(value, values, batches.queue_index),
        _of_queues(origin, origins, batches.queue_index),
    )


def _of_queues(info: ColumnInfo, values: Sequence[object], queue_index: Ints) -> Column:
    """One value per queue, repeated for each of its batches."""
    if not values:
        return from_cells(info, [None] * len(queue_index))
    known = np.array([value is not None for value in values], np.bool_)
    return Column(info, objects(values)[queue_index], known[queue_index])
