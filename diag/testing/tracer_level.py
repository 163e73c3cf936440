"""Reduce a capture to what a lower tracer level records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.formats.trace import event_names as ev
from diag.model.capture import Capture
from diag.model.events import EventTable, Plane, StatColumn

# Events of level 1, by the levels in event_names.py; all other host events are of level 2 or 3.
LEVEL_1_EVENTS = (
    ev.BATCHING_SESSION_RUN,
    ev.MERGE_INPUT_TENSORS,
    ev.SCHEDULE_WITHOUT_SPLIT,
    ev.SCHEDULE_WITH_EAGER_SPLIT,
    ev.SCHEDULE_OUTPUT_TASK,
    ev.PROCESS_BATCH,
    ev.BATCH_TASK_EMPTY,
    ev.ADAPTIVE_SCHEDULE,
    ev.CONCAT_INPUT_TENSORS,
    ev.PROCESS_ASYNC_START,
    ev.PROCESS_ASYNC_DONE,
    ev.THREADPOOL_RECORD,
    ev.THREADPOOL_START_REGION,
    ev.THREADPOOL_STOP_REGION,
)


def at_level_1(capture: Capture) -> Capture:
    """The capture without the host events that need tracer level 2 or 3."""
    planes = tuple(_level_1_plane(plane) for plane in capture.planes)
    return replace(capture, planes=planes, tracer_level=1)


def _level_1_plane(plane: Plane) -> Plane:
    if plane.name != ev.HOST_PLANE:
        return plane
    events = plane.events
    rows = events.rows_named(*LEVEL_1_EVENTS)
    rank = np.full(len(events), -1, np.int32)
    rank[rows] = np.arange(len(rows))
    stats = {}
    for name, column in events.stats.items():
        kept = rank[column.rows] >= 0
        stats[name] = StatColumn(rank[column.rows[kept]], column.values[kept])
    return replace(
        plane,
        events=EventTable(
            start_ns=events.start_ns[rows],
            end_ns=events.end_ns[rows],
            name_id=events.name_id[rows],
            line_index=events.line_index[rows],
            names=events.names,
            stats=stats,
        ),
    )
