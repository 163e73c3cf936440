"""The warm-up recording: it takes the profiler's first-time costs and predicts the trace's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.capture.disk_space import size_text
from diag.capture.plan import MS, SECOND
from diag.errors import ResponseTooLargeError
from diag.formats.trace.xspace import decode_space

if TYPE_CHECKING:
    from diag.capture.plan import CapturePlan
    from diag.capture.tracers.trace_source import TraceSource

WARM_UP_NS = 200 * MS
# A request of a small model is some ten events at level 2. Of fewer than about ten requests, chance
# decides how many fall into the warm-up; requests longer than the warm-up are not in it at all.
EVENTS_MIN = 100


@dataclass(frozen=True, slots=True)
class SizeForecast:
    """The size of a short recording, from which the size of a longer one is predicted.

    Attributes:
        trial_bytes: Size of the short recording.
        trial_ns: Its length.
        trial_events: Number of events in it.
    """

    trial_bytes: int
    trial_ns: int
    trial_events: int

    @property
    def is_reliable(self) -> bool:
        """Whether the short recording held enough events for a prediction."""
        return self.trial_events >= EVENTS_MIN

    def bytes_for(self, duration_ns: int) -> int:
        """Predicted size in bytes, in proportion to the length.

        Too low if the load rises after the warm-up, or if ``is_reliable`` is False.
        """
        return self.trial_bytes * duration_ns // self.trial_ns

    def duration_for(self, size_bytes: int) -> int:
        """Longest recording that is predicted to fit, in ns, rounded down to tenths of a second."""
        fits_ns = size_bytes * self.trial_ns // max(1, self.trial_bytes)
        return fits_ns // (100 * MS) * (100 * MS)

    def describe(self, duration_ns: int) -> str:
        """A line about the expected size, or why it cannot be predicted.

        Args:
            duration_ns: Length of the recording to come.
        """
        if self.is_reliable:
            return f"expecting about {size_text(self.bytes_for(duration_ns), 2)} at this load"
        events = "only 1 event" if self.trial_events == 1 else f"only {self.trial_events} events"
        if not self.trial_events:
            events = "no event"
        return f"size not predicted: {events} in {self.trial_ns / SECOND:g} s of warm-up"


def warm_up(source: TraceSource, plan: CapturePlan) -> SizeForecast:
    """Record briefly as planned, and throw the trace away.

    Args:
        source: Records the trace.
        plan: The planned recording.

    Raises:
        CaptureError: As ``TraceSource.record``.
        XSpaceDecodeError: The trace is corrupt.
    """
    duration_ns = min(WARM_UP_NS, plan.duration_ns)
    xspace = source.record(duration_ns, plan.host_tracer_level, keep=False).xspace
    events = sum(len(plane.events) for plane in decode_space(xspace).planes)
    return SizeForecast(len(xspace), duration_ns, events)


def check_size(forecast: SizeForecast, plan: CapturePlan) -> None:
    """Refuse a recording whose trace is predicted to exceed the plan's limit.

    Raises:
        ResponseTooLargeError: The prediction exceeds ``plan.max_bytes``.
    """
    expected_bytes = forecast.bytes_for(plan.duration_ns)
    if expected_bytes <= plan.max_bytes:
        return
    fits_ns = forecast.duration_for(plan.max_bytes)
    lower = ", lower `host_tracer_level`" if plan.host_tracer_level > 1 else ""
    advice = (
        f"record {fits_ns / SECOND:g} s{lower}, or raise `max_bytes`"
        if fits_ns
        else f"no length of recording fits{lower}; raise `max_bytes`"
    )
    raise ResponseTooLargeError(
        f"a recording of {plan.duration_ns / SECOND:g} s would take about "
        f"{size_text(expected_bytes)}, more than `max_bytes` allows ({size_text(plan.max_bytes)})",
        cause=f"{forecast.trial_ns / MS:g} ms of warm-up gave {size_text(forecast.trial_bytes)}",
        hint=advice,
        parameter="max_bytes",
        retry={"duration_ns": fits_ns} if fits_ns else {},
    )
