"""The table of requests: one row per request whose root event was recorded whole."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from diag.model.serving import MODES, STAGES, Stage
from diag.tables.column import (
    Column,
    ColumnInfo,
    ColumnKind,
    from_cells,
    integers,
    texts,
    wall_clock,
)

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

_START = ColumnInfo("start_unix_ns", "ns", "Start of the request.", ColumnKind.TIME)
_END = ColumnInfo("end_unix_ns", "ns", "End of the request, half-open.", ColumnKind.TIME)
_DURATION = ColumnInfo(
    "duration_ns", "ns", "End minus start; the stages of the row add up to it.", ColumnKind.INTEGER
)
_ROWS = ColumnInfo("rows", "", "Examples in the request.", ColumnKind.INTEGER)
_MODEL = ColumnInfo("model", "", "Name and version of the model.", ColumnKind.TEXT)
_MODE = ColumnInfo(
    "mode", "", "`unbatched`, `batching-session` or `batch-function`.", ColumnKind.TEXT
)
_COMPLETE = ColumnInfo(
    "complete",
    "",
    "False where a link from the request to its batch or step is missing, or where its batch "
    "failed; its time is then in `stage_unattributed_ns`.",
    ColumnKind.FLAG,
)
_BATCH_IDS = ColumnInfo(
    "batch_ids",
    "",
    "Batches that contain its rows, in enqueue order; id 0 is the first of every queue.",
    ColumnKind.ID_LIST,
)
_LINKED_BY = ColumnInfo(
    "linked_by", "", "Evidence that links the request to its batch or step.", ColumnKind.TEXT
)
STAGE_MEANINGS: dict[Stage, str] = {
    Stage.PREPROCESS: "Preprocessing ops, such as image decoding.",
    Stage.QUEUE_FILL: "Waiting for the batch to fill or time out.",
    Stage.QUEUE_THREAD: "Waiting in a full or timed-out batch because all batch threads were busy.",
    Stage.QUEUE_DISPATCH: "Waiting in a full or timed-out batch for the scheduler's next check.",
    Stage.QUEUE_EXECUTOR: "Waiting for a TensorFlow inter-op thread.",
    Stage.SCHEDULE: "Enqueueing the request, its copy into the batch's tasks included.",
    Stage.BATCH_FORMATION: "Concatenating and padding the inputs of the batch.",
    Stage.BATCH_SPLIT: "Returning results after the batch.",
    Stage.TRANSFER_IN: "Copying inputs to the GPU.",
    Stage.LAUNCH: "The CPU launching kernels on the GPU.",
    Stage.COMPUTE: "Model ops on the CPU, or kernels on the GPU.",
    Stage.DEVICE_WAIT: "Waiting for the GPU while other work runs on it.",
    Stage.TRANSFER_OUT: "Copying outputs from the GPU.",
    Stage.POSTPROCESS: "After the model, before the end of the request.",
    Stage.UNATTRIBUTED: "No event says what the time was spent on.",
}


def request_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table; its rows are ordered by start."""
    requests, origin = analysis.requests, analysis.capture.origin_unix_ns
    ids = analysis.batches.id.tolist()
    members = [ids[row] for row in requests.batch_index.tolist()]
    offsets = requests.batch_offsets.tolist()
    batch_ids = [tuple(members[a:b]) for a, b in pairwise(offsets)]
    return (
        wall_clock(_START, origin, requests.start_ns),
        wall_clock(_END, origin, requests.end_ns),
        integers(_DURATION, requests.duration_ns),
        integers(_ROWS, requests.rows, known=requests.rows >= 0),
        texts(_MODEL, requests.models, requests.model_index),
        texts(_MODE, tuple(mode.value for mode in MODES), requests.mode_index),
        Column(_COMPLETE, requests.complete),
        from_cells(_BATCH_IDS, batch_ids),
        texts(_LINKED_BY, requests.links, requests.linked_by_index),
        *(_stage_column(analysis, stage) for stage in STAGES),
    )


def _stage_column(analysis: Analysis, stage: Stage) -> Column:
    """Missing where unknown, unless the table holds time there: the stages must add up."""
    times_ns = analysis.requests.stage_ns[:, stage.index]
    known = analysis.requests.stage_known[:, stage.index] | (times_ns != 0)
    info = ColumnInfo(stage.column, "ns", STAGE_MEANINGS[stage], ColumnKind.INTEGER)
    return integers(info, times_ns, known=known)
