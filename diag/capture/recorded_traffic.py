"""Whether a trace holds requests, and if not, why it may not."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from diag.formats.trace import event_names as names

if TYPE_CHECKING:
    from diag.model.events import Space


class RecordedTraffic(enum.Enum):
    """What a window held.

    ``PARTS`` are events inside requests of which none began and ended within the window: an event
    is recorded only if it does (tsl/profiler/lib/traceme.h). ``HIDDEN`` is work of which the tracer
    level records no more than the thread pool's marks: requests without batching, at level 1.
    """

    REQUESTS = "requests"
    PARTS = "parts"
    HIDDEN = "hidden"
    NOTHING = "nothing"


# Roots that are a request each.
_ROOTS = (names.BATCHING_SESSION_RUN, names.TFRT_MODEL_RUN)
_PARTS = (
    names.PROCESS_BATCH,
    names.SCHEDULE_OUTPUT_TASK,
    names.SESSION_RUN,
    names.FUNCTION_RUN,
    names.EXECUTOR_PROCESS,
    names.PROCESS_ASYNC_START,
    names.PROCESS_ASYNC_DONE,
    names.EXECUTOR_DONE_CALLBACK,
)


def find_recorded_traffic(space: Space, tracer_level: int) -> RecordedTraffic:
    """What kind of traffic the trace shows.

    With --enable_batching a SessionRun is a batch, not a request, and MergeInputTensors tells it
    apart. At level 1 the request around an in-graph batch is not recorded, but its stay in the
    batcher (ProcessAsync) is.
    """
    if _count(space, *_ROOTS):
        return RecordedTraffic.REQUESTS
    batched_by_session = _count(space, names.MERGE_INPUT_TENSORS) > 0
    if _count(space, names.SESSION_RUN) and not batched_by_session:
        return RecordedTraffic.REQUESTS
    if tracer_level == 1 and _count(space, names.CONCAT_INPUT_TENSORS):
        return RecordedTraffic.REQUESTS
    if _count(space, *_PARTS):
        return RecordedTraffic.PARTS
    if tracer_level == 1 and shows_traffic(space):
        return RecordedTraffic.HIDDEN
    return RecordedTraffic.NOTHING


def shows_traffic(space: Space) -> bool:
    """Whether anything ran at all: at level 1 thread pool marks betray unbatched requests."""
    return _count(space, *_ROOTS, *_PARTS, names.THREADPOOL_START_REGION) > 0


def _count(space: Space, *wanted: str) -> int:
    return sum(len(plane.events.rows_named(*wanted)) for plane in space.planes)
