"""Spans of time and how sure we are of the clocks behind them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span ``[start_ns, end_ns)`` on the capture's clock (ns since its origin)."""

    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """Length in ns, never negative."""
        return max(0, self.end_ns - self.start_ns)


@dataclass(frozen=True, slots=True)
class ClockSync:
    """How a source's clock relates to the server's profiler clock.

    ``server_unix_ns = source_unix_ns + offset_ns``, true to ``± uncertainty_ns``; nothing finer
    than the uncertainty may be claimed about order between the two.
    """

    source: str
    offset_ns: int
    uncertainty_ns: int
