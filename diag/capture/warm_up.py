"""The throw-away recording before the real one: it takes first-time costs and tells the size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.capture.plan import MS, SECOND
from diag.errors import ResponseTooLargeError

if TYPE_CHECKING:
    from diag.capture.plan import CapturePlan
    from diag.capture.tracers.recorder import Recorder

WARM_UP_NS = 200 * MS
_MB = 1e6


@dataclass(frozen=True, slots=True)
class SizeForecast:
    """What a short recording says about a longer one.

    Attributes:
        trial_bytes: Size of the short one.
        trial_ns: Its duration.
    """

    trial_bytes: int
    trial_ns: int

    def bytes_for(self, duration_ns: int) -> int:
        """Predicted size, in proportion to time; the fixed part of a trace is counted as well."""
        return self.trial_bytes * duration_ns // self.trial_ns

    def duration_for(self, size_bytes: int) -> int:
        """Longest recording in ns, in whole tenths of a second, predicted to fit."""
        fits_ns = size_bytes * self.trial_ns // max(1, self.trial_bytes)
        return fits_ns // (100 * MS) * (100 * MS)


def warm_up(recorder: Recorder, plan: CapturePlan) -> SizeForecast:
    """Record briefly as planned, and throw the trace away.

    Raises:
        CaptureError: As ``Recorder.record``.
    """
    duration_ns = min(WARM_UP_NS, plan.duration_ns)
    recording = recorder.record(duration_ns, plan.host_tracer_level, keep=False)
    return SizeForecast(len(recording.xspace or b""), duration_ns)


def check_size(forecast: SizeForecast, plan: CapturePlan) -> int:
    """The predicted size in bytes.

    Raises:
        ResponseTooLargeError: It is beyond the plan's limit.
    """
    expected_bytes = forecast.bytes_for(plan.duration_ns)
    if expected_bytes <= plan.max_bytes:
        return expected_bytes
    fits_ns = forecast.duration_for(plan.max_bytes)
    lower = " or --host-tracer-level 1" if plan.host_tracer_level > 1 else ""
    advice = f"--duration {fits_ns / SECOND:g}s fits" if fits_ns else "no duration fits"
    raise ResponseTooLargeError(
        f"a recording of {plan.duration_ns / SECOND:g} s would take about "
        f"{expected_bytes / _MB:.3g} MB, more than --max-bytes allows "
        f"({plan.max_bytes / _MB:.3g} MB)",
        cause=f"{forecast.trial_ns / MS:g} ms of warm-up gave {forecast.trial_bytes / _MB:.3g} MB",
        hint=f"{advice}; record less{lower}, or raise --max-bytes",
    )
