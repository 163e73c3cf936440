"""RunPlan: what to record of a program; RunOutcome: how that ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.capture.plan import MAX_BYTES, MS, SECOND
from diag.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from diag.model.availability import Unavailable
    from diag.model.samples import SampleSeries

DURATION_MIN_NS = 100 * MS
DURATION_MAX_NS = 60 * SECOND


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What to record of a program.

    Attributes:
        duration_ns: Length of the recording, 0.1 s to 60 s.
        warmup_ns: Time from the first repeated work to the recording.
        level: Host tracer level, 1 to 3.
        device_trace: Whether to trace GPUs.
        max_bytes: Largest predicted size of the trace; the recording is made shorter to fit.
    """

    duration_ns: int = 5 * SECOND
    warmup_ns: int = SECOND
    level: int = 2
    device_trace: bool = True
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: One is out of its range; ``parameter`` names it.
        """
        if not DURATION_MIN_NS <= self.duration_ns <= DURATION_MAX_NS:
            raise UsageError(
                f"`duration_ns` is {self.duration_ns / SECOND:g} s, it must be 0.1 s to 60 s",
                parameter="duration_ns",
            )
        if self.level not in (1, 2, 3):
            raise UsageError(
                f"`host_tracer_level` is {self.level}, it must be 1, 2 or 3",
                parameter="host_tracer_level",
            )


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        path: The bundle; None if nothing was recorded.
        reason: Why nothing was recorded; "" if something was.
        status: Exit status of the program, as a shell gives it.
    """

    path: Path | None
    reason: str
    status: int


@dataclass(slots=True)
class ProgramSamples:
    """Samples of host and GPUs next to the trace.

    Attributes:
        series: By source.
        reading_ns: Duration of the longest reading, by source.
    """

    series: dict[str, SampleSeries | Unavailable] = field(default_factory=dict)
    reading_ns: dict[str, int] = field(default_factory=dict)
