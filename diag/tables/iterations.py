"""The table of iterations of a Python loop around a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable
from diag.model.loops import LOOP_STAGES, LoopStage
from diag.tables.column import Column, ColumnInfo, ColumnKind, integers, texts, wall_clock

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

_MEANINGS = {
    LoopStage.REQUEST_WAIT: "Waiting for a request, by samples of the stack.",
    LoopStage.REQUEST_READ: "Reading the rest of a request from its connection, by samples.",
    LoopStage.RESULT_WAIT: "Waiting for a result of the program's own pool, by samples.",
    LoopStage.INPUT_WAIT: "In `next()` until an element is ready.",
    LoopStage.INPUT_FETCH: "The rest of `next()`.",
    LoopStage.PREPROCESS: "Python or TensorFlow work before the model call, by samples or marks.",
    LoopStage.CONVERT: "Copying inputs to tensors.",
    LoopStage.TRACING: "Building graphs of tf.functions.",
    LoopStage.DISPATCH: "Python of TensorFlow and Keras around ops, and set-up of `predict`.",
    LoopStage.MODEL: "The model: a compiled function, or its ops.",
    LoopStage.POSTPROCESS: "Work after the model call, by samples or marks.",
    LoopStage.NOT_KNOWN: "Python without an event or a sample: work or waiting.",
    LoopStage.UNATTRIBUTED: "Other calls of TensorFlow.",
}


def iteration_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table; its rows are ordered by thread, then start."""
    loops, origin = analysis.loops, analysis.capture.origin_unix_ns
    none = np.empty(0, np.int64)
    if isinstance(loops, Unavailable):
        thread = start = end = model_start = model_end = none
        names: tuple[str, ...] = ()
        complete, stage_ns = np.empty(0, np.bool_), np.empty((0, len(LOOP_STAGES)), np.int64)
    else:
        table = loops.iterations
        names = tuple(each.name for each in table.threads)
        thread, start, end = table.thread_index.astype(np.int64), table.start_ns, table.end_ns
        model_start, model_end = table.model_start_ns, table.model_end_ns
        complete, stage_ns = table.complete, table.stage_ns
    return (
        texts(ColumnInfo("thread", "", "The thread's line.", ColumnKind.TEXT), names, thread),
        wall_clock(
            ColumnInfo("start_unix_ns", "ns", "Start of the iteration.", ColumnKind.TIME),
            origin,
            start,
        ),
        wall_clock(
            ColumnInfo("end_unix_ns", "ns", "End of it, half-open.", ColumnKind.TIME), origin, end
        ),
        wall_clock(
            ColumnInfo("model_start_unix_ns", "ns", "Start of its model call.", ColumnKind.TIME),
            origin,
            model_start,
        ),
        wall_clock(
            ColumnInfo("model_end_unix_ns", "ns", "End of its model call.", ColumnKind.TIME),
            origin,
            model_end,
        ),
        integers(
            ColumnInfo("duration_ns", "ns", "Length of the iteration.", ColumnKind.INTEGER),
            end - start,
        ),
        Column(
            ColumnInfo("complete", "", "Whether the window holds all of it.", ColumnKind.FLAG),
            complete,
        ),
        *(
            integers(
                ColumnInfo(stage.column, "ns", _MEANINGS[stage], ColumnKind.INTEGER),
                stage_ns[:, stage.index],
            )
            for stage in LOOP_STAGES
        ),
    )
