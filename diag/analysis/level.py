"""Which host tracer level a trace was recorded at."""

from __future__ import annotations

from diag.formats import event_names as ev
from diag.model.availability import Unavailable
from diag.model.events import EventTable

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
