"""Host time by op type, for the ops that the tracer recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.op_class import OpClass
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable


@dataclass(frozen=True, slots=True)
class OpTime:
    """One op type over the window.

    Attributes:
        op_type: As in the event's name after the colon, e.g. ``DecodeJpeg``.
        is_preprocess: Whether it counts as preprocessing.
        events: Number recorded; tracer level 2 records only ops that the executor deems expensive.
        total_ns: Sum of their durations; the ops may overlap.
    """

    op_type: str
    is_preprocess: bool
    events: int
    total_ns: int


def rank_ops(events: EventTable, op_class: NDArray[np.int8], limit: int = 20) -> tuple[OpTime, ...]:
    """The ``limit`` op types with most time, longest first.

    An op of tf.data that works on a thread of its own has no op event there, but its
    ``…Op::DoCompute``.
    """
    is_op = np.isin(op_class, (OpClass.MODEL, OpClass.PREPROCESS, OpClass.GLUE))
    row = np.flatnonzero(is_op[events.name_id])
    apart = events.rows_where(lambda name: name.endswith(ev.DATASET_COMPUTE_ENDING))
    row = np.concatenate((row, apart[innermost(events, row, apart) < 0]))
    if not len(row):
        return ()
    name_id = events.name_id[row]
    count = np.bincount(name_id, minlength=len(events.names))
    total = np.bincount(
        name_id, weights=events.end_ns[row] - events.start_ns[row], minlength=len(events.names)
    )
    sums: dict[tuple[str, bool], tuple[int, int]] = {}
    for i in np.flatnonzero(count).tolist():
        name = events.names[i]
        is_apart = name.endswith(ev.DATASET_COMPUTE_ENDING)
        op_type = name.removesuffix(ev.DATASET_COMPUTE_ENDING).rpartition(":")[2]
        key = (op_type, is_apart or op_class[i] == OpClass.PREPROCESS)
        events_before, ns_before = sums.get(key, (0, 0))
        sums[key] = (events_before + int(count[i]), ns_before + int(total[i]))
    ranked = sorted(sums.items(), key=lambda item: (-item[1][1], item[0]))[:limit]
    return tuple(OpTime(op, bool(early), n, ns) for (op, early), (n, ns) in ranked)
