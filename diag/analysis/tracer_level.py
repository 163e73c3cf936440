"""Which host tracer level a trace was recorded at."""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals.sets import EMPTY
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.events import EventTable
from diag.model.intervals import IntervalSet
from diag.model.window import Window

# Names only level 3 records (executor.cc, TensorFlow 2.21; seen on a live server).
LEVEL_3_EVENTS = ("ExecutorState::ScheduleReady", "ExecutorPropagateOutputs")

# Events that only a request, or a batch of them, leaves.
SERVING_EVENTS = (
    ev.BATCHING_SESSION_RUN,
    ev.SESSION_RUN,
    ev.PROCESS_BATCH,
    ev.SCHEDULE_OUTPUT_TASK,
    ev.ADAPTIVE_SCHEDULE,
    ev.MERGE_INPUT_TENSORS,
    ev.CONCAT_INPUT_TENSORS,
)


def tracer_level(events: EventTable, told: int | Unavailable) -> int | Unavailable:
    """What the session itself says, else the lowest level that explains the events there are."""
    if told in (1, 2, 3):
        return told
    if any(len(events.rows_named(name)) for name in LEVEL_3_EVENTS):
        return 3
    if len(events.rows_named(ev.SESSION_RUN, ev.FUNCTION_RUN, ev.EXECUTOR_PROCESS)):
        return 2
    if len(events.rows_named(*SERVING_EVENTS)):
        return 1
    return Unavailable("the trace does not say, and no serving event in it tells")


def hidden_requests(events: EventTable, level: int | Unavailable) -> Unavailable | None:
    """Why requests may have run that this trace does not show, or None if it would show them.

    At level 1 an unbatched request leaves only the thread pool's marks, which do not say whose
    they are; such marks without any serving event are all there can be to see.
    """
    marks = len(events.rows_named(ev.THREADPOOL_RECORD)) > 0
    if not marks or len(events.rows_named(*SERVING_EVENTS)):
        return None
    if level == 1:
        return Unavailable("unbatched requests are not recorded at tracer level 1")
    if isinstance(level, Unavailable):
        return Unavailable(
            "the trace shows work but no request: it was recorded at tracer level 1, which hides "
            "unbatched ones, or not of a TensorFlow Serving"
        )
    return None


def hidden_work(
    events: EventTable, hidden: Unavailable | None, window: Window, *, worked: bool
) -> IntervalSet:
    """When requests may have been open that left no event of their own.

    Args:
        events: Of the host plane.
        hidden: What ``hidden_requests`` says.
        window: The capture's.
        worked: Whether any executor step or device was seen at work. With no serving event beside
            it, the work was for requests longer than the window, or for no server at all.
    """
    if len(events.rows_named(*SERVING_EVENTS)) or not (worked or hidden):
        return EMPTY
    return IntervalSet(np.array([window.start_ns]), np.array([window.end_ns]))
