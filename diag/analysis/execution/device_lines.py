"""Which lines of a GPU plane are streams, and which hold the tracer's own records.

A device plane may also hold lines derived from its streams; counting those would double the time.
Raw lines are called ``Stream #<id>`` or ``Stream #<id>(<types>)`` (cupti_collector.cc and
rocm_collector.cc, 2020 to 2026). The types are all that the line ever held, so that they do not
give the type of one event. A stream to which the tracer also added its own records is called
``CUPTI overhead``; it still holds the kernels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s, Line, Plane

STREAM_PREFIX = "Stream #"
OVERHEAD_LINE = "CUPTI overhead"

# xplane_schema.cc of TensorFlow 2.2 to 2.21 and of xprof; "Sparse Core" lines are of TPUs.
DERIVED_LINES = frozenset(
    {
        "TensorFlow Ops",
        "TensorFlow Name Scope",
        "Framework Ops",
        "Framework Name Scope",
        "Steps",
        "Launch Stats",
        "XLA Modules",
        "XLA Ops",
        "Async XLA Ops",
        "XLA TraceMe",
        "Host Offload Ops",
        "Sparse Core Steps",
        "Sparse Core Modules",
        "Sparse Core Ops",
        "Source",
        "Source code",
        "_counters_",
    }
)
# kThreadIdDerivedMin, 0xdeadbeef in an int, and the few hundred after it (trace_utils.h); the
# tracer's own overhead line has such an id too.
DERIVED_ID_MIN = 0xDEADBEEF - 2**32
DERIVED_ID_MAX = DERIVED_ID_MIN + 1023

# GetActivityOverheadKindString (cupti_buffer_events.cc, cupti_extra_12080.cc): work of the tracer,
# and work of the driver that CUPTI reports there, which a server also does without a tracer.
OVERHEAD_EVENTS = (
    "BUFFER_FLUSH",
    "INSTRUMENTATION",
    "RESOURCE",
    "ACTIVITY_BUFFER_REQUEST",
    "UVM_ACTIVITY_INIT",
)
DRIVER_EVENTS = (
    "COMPILER",
    "RUNTIME_TRIGGERED_MODULE_LOADING",
    "LAZY_FUNCTION_LOADING",
    "COMMAND_BUFFER_FULL",
)


@dataclass(frozen=True, slots=True, eq=False)
class StreamRows:
    """Rows of a GPU plane that may be work.

    Attributes:
        row: (n,) ascending row.
        is_stream: (n,) whether the line is named as a stream; on other lines an event is work only
            if its details say so.
    """

    row: Int64s
    is_stream: NDArray[np.bool_]


def stream_rows(plane: Plane) -> StreamRows:
    """Rows of all lines except derived ones."""
    if not len(plane.events):
        return StreamRows(np.empty(0, np.int64), np.empty(0, np.bool_))
    derived = np.array([_is_derived(line) for line in plane.lines], np.bool_)
    named = np.array([line.name.startswith(STREAM_PREFIX) for line in plane.lines], np.bool_)
    row = np.flatnonzero(~derived[plane.events.line_index])
    return StreamRows(row, named[plane.events.line_index[row]])


def count_recorded(plane: Plane) -> int:
    """Events of the plane without those that a GPU plane's derived lines repeat."""
    if not plane.name.startswith(ev.GPU_PLANE_PREFIX) or not len(plane.events):
        return len(plane.events)
    return len(stream_rows(plane).row)


def overhead_rows(plane: Plane, is_work: NDArray[np.bool_], streams: StreamRows) -> Int64s:
    """Rows of the tracer's own records on a GPU plane.

    Args:
        plane: The GPU plane.
        is_work: By position in ``streams``, whether the event is work.
        streams: Rows of the plane that may be work.
    """
    own = np.array([line.name == OVERHEAD_LINE for line in plane.lines], np.bool_)
    row = streams.row[~is_work]
    row = row[own[plane.events.line_index[row]]] if len(own) else row
    return row[~np.isin(row, plane.events.rows_named(*DRIVER_EVENTS), assume_unique=True)]


def host_overhead_rows(host: EventTable) -> Int64s:
    """Rows of the tracer's own records on host threads, which it delayed."""
    return host.rows_named(*OVERHEAD_EVENTS)


def _is_derived(line: Line) -> bool:
    if line.name == OVERHEAD_LINE or line.name.startswith(STREAM_PREFIX):
        return False
    as_int32 = (line.id + 2**31) % 2**32 - 2**31
    return line.name in DERIVED_LINES or DERIVED_ID_MIN <= as_int32 <= DERIVED_ID_MAX
