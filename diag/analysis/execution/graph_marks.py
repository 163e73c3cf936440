"""Which steps run the same graph, as far as the names of their ops show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.op_class import OpClass
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.nesting import innermost
from diag.model.events import EventTable, Int64s


def find_graph_marks(events: EventTable, steps: Steps, op_class: NDArray[np.int8]) -> Int64s:
    """(steps,) a mark of the graph that each step runs: the least name of its ops, -1 if none.

    Args:
        events: Of the host plane.
        steps: All steps.
        op_class: (names,) ``OpClass`` by name.
    """
    row = np.flatnonzero((op_class != OpClass.NOT_AN_OP)[events.name_id])
    burst = innermost(events, steps.burst_row, row)
    row, burst = row[burst >= 0], burst[burst >= 0]
    first = np.full(len(steps), len(events.names), np.int64)
    np.minimum.at(first, steps.burst_step[burst], events.name_id[row].astype(np.int64))
    return np.where(first < len(events.names), first, -1)
