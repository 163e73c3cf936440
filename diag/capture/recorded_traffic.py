"""Whether a trace holds requests, and if not, the likely reason."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from diag.formats.trace import event_names as names

if TYPE_CHECKING:
    from diag.model.events import Space
    from diag.model.program import Program


class RecordedTraffic(enum.Enum):
    """The traffic that a trace shows.

    ``PARTS``: events inside requests, but no whole request. An event is recorded only if it begins
    and ends within the window (tsl/profiler/lib/traceme.h).
    ``HIDDEN``: the server worked, but the tracer level records only thread pool events of it:
    requests without batching at level 1. ``LOOP``: Python calls a model, without a server.
    ``FOREIGN``: the trace is of another program.
    """

    REQUESTS = "requests"
    PARTS = "parts"
    HIDDEN = "hidden"
    LOOP = "loop"
    FOREIGN = "foreign"
    NOTHING = "nothing"


# Events that each stand for one request.
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


def find_recorded_traffic(
    space: Space, tracer_level: int, program: Program | None = None
) -> RecordedTraffic:
    """Classify the traffic in a trace.

    With --enable_batching a SessionRun is a batch and not a request; MergeInputTensors shows that.
    At level 1 the request around an in-graph batch is not recorded, but its ProcessAsync is.

    Args:
        space: The trace.
        tracer_level: Host tracer level of the recording, 1 to 3.
        program: What kind of program was recorded, if that was looked at.
    """
    if program is not None and program.is_foreign:
        return RecordedTraffic.LOOP if program.may_loop else RecordedTraffic.FOREIGN
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
    """Whether anything ran; at level 1 thread pool events show unbatched requests.

    Of Python programs, ops and jitted functions that Python called.
    """
    known = (*_ROOTS, *_PARTS, names.THREADPOOL_START_REGION, names.EAGER_EXECUTE)
    jitted = any(
        len(plane.events.rows_where(lambda name: name.startswith(names.JIT_FUNCTIONS)))
        for plane in space.planes
    )
    return jitted or _count(space, *known) > 0


def _count(space: Space, *wanted: str) -> int:
    return sum(len(plane.events.rows_named(*wanted)) for plane in space.planes)
