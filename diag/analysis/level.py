"""Which host tracer level a trace was recorded at."""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals import EMPTY, Set
from diag.formats import event_names as ev
from diag.model.availability import Unavailable
from diag.model.events import EventTable
from diag.model.window import Window

# Names only level 3 records (executor.cc, TensorFlow 2.21; seen on a live server).
LEVEL_3_EVENTS = ("ExecutorState::ScheduleReady", "ExecutorPropagateOutputs")


def observed_level(events: EventTable) -> int | Unavailable:
    """1, 2 or 3 by the events that are there; what the server was asked for proves nothing."""
    if any(len(events.rows_named(name)) for name in LEVEL_3_EVENTS):
        return 3
    if len(events.rows_named(ev.SESSION_RUN, ev.FUNCTION_RUN, ev.EXECUTOR_PROCESS)):
        return 2
    if len(events):
        return 1
    return Unavailable("the trace has no host events")


def unseen_work(events: EventTable, level: int | Unavailable, window: Window) -> Set:
    """When requests may have been open that left no event of their own.

    At tracer level 1 an unbatched request leaves only the thread pool's marks, which do not say
    whose they are: with such marks and no batch event, requests may have been open at any time.
    """
    batched = events.rows_named(
        ev.BATCHING_SESSION_RUN, ev.PROCESS_BATCH, ev.SCHEDULE_OUTPUT_TASK, ev.ADAPTIVE_SCHEDULE
    )
    if level != 1 or len(batched) or not len(events.rows_named(ev.THREADPOOL_RECORD)):
        return EMPTY
    return np.array([window.start_ns]), np.array([window.end_ns])
