"""When a device, or model execution on the CPU, was idle, and why."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from diag.model.confidence import Confidence as Confidence
from diag.model.events import Int64s, Ints
from diag.model.window import Window


class IdleCause(enum.Enum):
    """Why nothing executed. Where several hold, the order of docs/attribution.md decides."""

    PROFILER = "profiler"
    THROTTLED = "throttled"
    ALLOCATOR = "allocator"
    COLD_START = "cold-start"
    TRANSFER = "transfer"
    LAUNCH = "launch"
    PREPROCESS = "preprocess"
    MODEL_LOAD = "model-load"
    QUEUE_EXECUTOR = "queue-executor"
    BATCH_THREADS_IN_HOST_WORK = "batch-threads-in-host-work"
    QUEUE_DISPATCH = "queue-dispatch"
    QUEUE_FILL = "queue-fill"
    SYNC_OR_OUTPUT = "sync-or-output"
    INGRESS = "ingress"
    TRACE_EDGE = "trace-edge"
    UNEXPLAINED = "unexplained"
    NO_DEMAND = "no-demand"

    @property
    def index(self) -> int:
        """Position in ``IDLE_CAUSES``."""
        return _INDEX[self]

    @property
    def is_starvation(self) -> bool:
        """Whether requests were in the server while the device waited for input."""
        return self in _STARVATION


_STARVATION = frozenset(
    {
        IdleCause.INGRESS,
        IdleCause.PREPROCESS,
        IdleCause.QUEUE_EXECUTOR,
        IdleCause.BATCH_THREADS_IN_HOST_WORK,
        IdleCause.QUEUE_FILL,
    }
)
IDLE_CAUSES: tuple[IdleCause, ...] = tuple(IdleCause)
_INDEX = {cause: i for i, cause in enumerate(IDLE_CAUSES)}


CONFIDENCES: tuple[Confidence, ...] = tuple(Confidence)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A GPU, or all model execution on the CPU.

    ``busy_ns`` plus the lengths of its gaps is exactly the window.

    Attributes:
        name: ``/device:GPU:0``, or ``cpu-execution``.
        is_device: True for a GPU.
        window: The capture's window.
        busy_ns: Time in which it executed something.
    """

    name: str
    is_device: bool
    window: Window
    busy_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class GapTable:
    """Pieces of idle time, one cause each; ordered by timeline, then start; disjoint.

    Attributes:
        timeline_index: (n,) int16, into the analysis' timelines.
        start_ns: (n,) int64, ns since the capture's origin.
        end_ns: (n,) int64, half-open end.
        cause_index: (n,) int8, into ``IDLE_CAUSES``.
        waiting_requests: (n,) int32, requests open at the piece's start, including requests that
            the window cut, as far as the trace shows them.
        confidence_index: (n,) int8, into ``CONFIDENCES``.
        runner_up_index: (n,) int8, the cause that would hold if this one did not, into
            ``IDLE_CAUSES``; -1 where no other cause covers any of the piece.
        evidence_row: (n,) int32, row of the host plane's event that shows the cause best; -1
            where the evidence is the absence of events, or a record on a device's plane.
    """

    timeline_index: Ints
    start_ns: Int64s
    end_ns: Int64s
    cause_index: Ints
    waiting_requests: Ints
    confidence_index: Ints
    runner_up_index: Ints
    evidence_row: Ints

    def __len__(self) -> int:
        return len(self.start_ns)

    def __repr__(self) -> str:
        return f"GapTable({len(self)} rows)"


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """The state of one request in the middle of a gap.

    Attributes:
        request: Row of the request table; -1 for a request that the window cut.
        stage: Name of its stage, or ``open`` where the trace does not show it.
        since_ns: When the stage began, ns since the capture's origin.
        thread: Name of the thread with the event that shows it, "" if there is none.
    """

    request: int
    stage: str
    since_ns: int
    thread: str


@dataclass(frozen=True, slots=True)
class LongGap:
    """A stretch of idle time, over all its causes.

    Attributes:
        timeline_index: Into the analysis' timelines.
        start_ns: ns since the capture's origin.
        end_ns: Half-open.
        causes: Cause and length in ns of each piece, in order.
        waiting: The oldest requests open in its middle, at most ``diag.analysis.idle.WAITING_MAX``.
        waiting_total: Number of requests open in its middle.
    """

    timeline_index: int
    start_ns: int
    end_ns: int
    causes: tuple[tuple[IdleCause, int], ...]
    waiting: tuple[WaitingRequest, ...]
    waiting_total: int
