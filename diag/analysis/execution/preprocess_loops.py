"""Loops of the graph that preprocess row by row, such as those of ``tf.map_fn``.

TensorFlow names the ops of a loop after it: ``map/while/body/_1/DecodeJpeg:DecodeJpeg`` (2.x, with
functions inlined; recorded with 2.21) or ``map/while/DecodeJpeg:DecodeJpeg`` (1.x). A loop that was
not inlined calls its body as a function, whose ops do not bear its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.op_class import OpClass
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import Lanes
from diag.model.availability import Unavailable
from diag.model.events import EventTable, Int64s

_NO_LOOP = Unavailable("no preprocessing op of a loop was recorded")
_LOOP = re.compile(r"(?:.*?/)?while(?:_\d+)?(?=/)")


@dataclass(frozen=True, slots=True)
class PreprocessLoop:
    """The loop with most time in preprocessing ops.

    Attributes:
        name: Of its nodes, up to the loop: ``map/while``.
        runs: Number of runs that went through it.
        iterations: Iterations a run, mean: events of the op that ran most often in the run.
        at_once: Its preprocessing ops at work at a time, while any of a run is; mean.
        run_ns: Time of a run in which any of these ops is at work, mean.
        total_ns: Sum of the durations of these ops.
        share: Of the time in all preprocessing ops, 0 to 1.
        ops: Their types, those with most time first.
    """

    name: str
    runs: int
    iterations: float
    at_once: float
    run_ns: float
    total_ns: int
    share: float
    ops: tuple[str, ...]


def find_preprocess_loop(
    events: EventTable, op_class: NDArray[np.int8], steps: Steps
) -> PreprocessLoop | Unavailable:
    """Unavailable where no preprocessing op of a run lies in a loop."""
    row = np.flatnonzero(op_class[events.name_id] == OpClass.PREPROCESS)
    if not len(row) or not len(steps.burst_row):
        return _NO_LOOP
    burst = innermost(events, steps.burst_row, row)
    row, step = row[burst >= 0], steps.burst_step[burst[burst >= 0]]
    length = events.end_ns[row] - events.start_ns[row]
    loops: list[str] = []
    of_name = np.full(len(events.names), -1, np.int64)
    for i in np.unique(events.name_id[row]).tolist():
        found = _LOOP.match(events.names[i])
        if found is not None:
            if found[0] not in loops:
                loops.append(found[0])
            of_name[i] = loops.index(found[0])
    loop = of_name[events.name_id[row]]
    if not (loop >= 0).any():
        return _NO_LOOP
    time = np.bincount(loop[loop >= 0], weights=length[loop >= 0])
    most = int(time.argmax())
    mine = loop == most
    runs, iterations = _iterations(step[mine], events.name_id[row[mine]])
    total = int(length[mine].sum())
    covered = _covered(events, row[mine], step[mine])
    return PreprocessLoop(
        name=loops[most],
        runs=runs,
        iterations=iterations,
        at_once=total / max(1, covered),
        run_ns=covered / runs,
        total_ns=total,
        share=total / max(1, int(length.sum())),
        ops=_types(events, row[mine], length[mine]),
    )


def _iterations(step: Int64s, name: Int64s) -> tuple[int, float]:
    """Number of steps, and the mean over them of the count of their most frequent op."""
    order = np.lexsort((name, step))
    step, name = step[order], name[order]
    is_first = np.append(True, (step[1:] != step[:-1]) | (name[1:] != name[:-1]))
    begin = np.flatnonzero(is_first)
    count = np.diff(np.append(begin, len(step)))
    distinct, group = np.unique(step[begin], return_inverse=True)
    most = np.zeros(len(distinct), np.int64)
    np.maximum.at(most, group, count)
    return len(distinct), float(most.mean())


def _covered(events: EventTable, row: Int64s, step: Int64s) -> int:
    """Time in which any of the ops of a step is at work, over all steps, ns."""
    distinct, owner = np.unique(step, return_inverse=True)
    start, end = events.start_ns[row], events.end_ns[row]
    low = np.full(len(distinct), start.min())
    high = np.full(len(distinct), end.max())
    return Lanes.over(low, high).lay(owner, start, end, low, high).total_ns


def _types(events: EventTable, row: Int64s, length: Int64s) -> tuple[str, ...]:
    time: dict[str, int] = {}
    total = np.bincount(events.name_id[row], weights=length)
    for i in np.flatnonzero(total).tolist():
        op_type = events.names[i].rpartition(":")[2]
        time[op_type] = time.get(op_type, 0) + int(total[i])
    return tuple(sorted(time, key=lambda each: (-time[each], each)))
