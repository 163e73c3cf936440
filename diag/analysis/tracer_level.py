"""The host tracer level of a trace, and what that level hides."""

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


def tracer_level(events: EventTable, recorded: int | Unavailable) -> int | Unavailable:
    """The level that the trace records, else the lowest level that explains its events.

    Args:
        events: Of the host plane.
        recorded: By the profiler session's own record of its options.
    """
    if recorded in (0, 1, 2, 3):
        return recorded
    if any(len(events.rows_named(name)) for name in LEVEL_3_EVENTS):
        return 3
    if len(events.rows_named(ev.SESSION_RUN, ev.FUNCTION_RUN, ev.EXECUTOR_PROCESS)):
        return 2
    if len(events.rows_named(*ev.SERVING_EVENTS)):
        return 1
    return Unavailable("the trace neither records it nor has an event that shows it")


def hidden_requests(events: EventTable, level: int | Unavailable) -> Unavailable | None:
    """Why requests may have run that the trace does not show; None if it would show them.

    At level 1 an unbatched request leaves only events of the thread pool, which name no request.
    Such events without any event of serving may be all that is recorded. Of a batch within the
    graph, TensorFlow before 2.15 records only the formation at level 1 (seen in 2.13).
    """
    marks = len(events.rows_named(ev.THREADPOOL_RECORD)) > 0
    serving = len(events.rows_named(*ev.SERVING_EVENTS))
    formations = len(events.rows_named(*ev.FORMATION_EVENTS))
    if formations and serving == formations:
        return Unavailable(
            f"inputs were batched {formations:,} times, but no event names a request or a batch "
            "(tracer level 1, in TensorFlow before 2.15)"
        )
    if not marks or serving:
        return None
    if level == 1:
        return Unavailable("unbatched requests are not recorded at tracer level 1")
    if isinstance(level, Unavailable):
        return Unavailable(
            "the trace shows work but no TensorFlow Serving request (another program, or tracer "
            "level 1, which hides unbatched requests)"
        )
    return None


def hidden_work(
    events: EventTable, hidden: Unavailable | None, window: Window, *, worked: bool
) -> IntervalSet:
    """When requests may have been open that left no event of their own.

    Args:
        events: Of the host plane.
        hidden: Result of ``hidden_requests``.
        window: The capture's.
        worked: Whether the trace has an executor step or device work. Without events of serving,
            that work was for requests longer than the window, or not of a server.
    """
    seen = len(events.rows_named(*ev.SERVING_EVENTS)) > 0
    if not hidden and (seen or not worked):
        return EMPTY
    return IntervalSet(np.array([window.start_ns]), np.array([window.end_ns]))
