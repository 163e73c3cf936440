"""The window of a capture, and how its clocks relate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span ``[start_ns, end_ns)`` on the capture's clock (ns since its origin).

    Attributes:
        start_ns: Begin.
        end_ns: End.
    """

    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """Length in ns, never negative."""
        return max(0, self.end_ns - self.start_ns)


@dataclass(frozen=True, slots=True)
class ClockSync:
    """How a source's clock relates to the server's profiler clock.

    ``server_unix_ns = source_unix_ns + offset_ns``, within ``± uncertainty_ns``. The order of two
    events on both clocks is not known if they are nearer than that.

    Attributes:
        source: Name of the source.
        offset_ns: What to add to the source's time.
        uncertainty_ns: Largest error of the offset.
    """

    source: str
    offset_ns: int
    uncertainty_ns: int
