"""Traces of Python functions into graphs while the program runs."""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals.sets import union
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable
from diag.model.loops import Retracing

_TRACED = "traced-"


def find_retracing(events: EventTable) -> Retracing:
    """Count calls of tf.functions that were traced, and the time that building graphs took."""
    column = events.stat(ev.STAT_FUNCTION_CALL)
    kinds = [events.names[int(i)] for i in column.values.tolist()]
    traced = column.rows[[kind.startswith(_TRACED) for kind in kinds]].astype(np.int64)
    building = events.rows_named(ev.GRAPH_BUILDING)
    function, always_first = "", False
    if len(traced):
        name = int(np.bincount(events.name_id[traced]).argmax())
        function = events.names[name]
        counts = events.stat(ev.STAT_TRACING_COUNT).at(traced[events.name_id[traced] == name])
        always_first = len(counts) > 1 and bool((counts == 1).all())
    return Retracing(
        calls=len(column.rows),
        retraced=len(traced),
        building_ns=union(events.start_ns[building], events.end_ns[building]).total_ns,
        function=function,
        always_first=always_first,
    )
