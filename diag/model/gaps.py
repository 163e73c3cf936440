"""When the device, or the model's execution on the CPU, stood idle, and why."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from diag.model.events import Int32s, Int64s
from diag.model.window import Window


class IdleCause(enum.Enum):
    """Why nothing executed; the order of docs/attribution.md decides where several hold."""

    PREPROCESS = "preprocess"
    EXECUTOR_POOL = "executor-pool"
    BATCH_THREADS_IN_HOST_WORK = "batch-threads-in-host-work"
    DISPATCH = "dispatch"
    BATCH_FILL = "batch-fill"
    UNEXPLAINED = "unexplained"
    NO_DEMAND = "no-demand"

    @property
    def is_starvation(self) -> bool:
        """Whether requests were in the server while the device waited for their input."""
        return self in _STARVATION


_STARVATION = frozenset(
    {
        IdleCause.PREPROCESS,
        IdleCause.EXECUTOR_POOL,
        IdleCause.BATCH_THREADS_IN_HOST_WORK,
        IdleCause.BATCH_FILL,
    }
)
IDLE_CAUSES: tuple[IdleCause, ...] = tuple(IdleCause)


@dataclass(frozen=True, slots=True)
class Timeline:
    """One thing that executes: a GPU, or all model execution on the CPU.

    ``busy_ns`` plus the lengths of its gaps is exactly the window.

    Attributes:
        name: ``/device:GPU:0``, or ``cpu-execution``.
        is_device: True for a device plane.
    """

    name: str
    is_device: bool
    window: Window
    busy_ns: int


@dataclass(frozen=True, slots=True)
class GapTable:
    """Pieces of idle time, one cause each; ordered by timeline, then start; disjoint.

    Attributes:
        timeline_index: (n,) int32, into the analysis' timelines.
        start_ns: (n,) int64, ns since the capture's origin.
        end_ns: (n,) int64, half-open end.
        cause_index: (n,) int32, into ``IDLE_CAUSES``.
        waiting_requests: (n,) int64, requests open at the piece's start, including those
            that the window cut, as far as they were seen.
    """

    timeline_index: Int32s
    start_ns: Int64s
    end_ns: Int64s
    cause_index: Int32s
    waiting_requests: Int64s

    def __len__(self) -> int:
        return len(self.start_ns)
