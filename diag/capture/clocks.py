"""The offset between the server's clock and this machine's.

A server on this machine has the same clock. For any other server the order of events bounds the
offset: the request was sent before the server first read its clock, and the answer arrived after
the server last read it::

    this machine     sent |----------------------------------------------------| received
    server               | profile_start .. last event .. profile_stop |

so ``server = here + offset`` with ``last - received <= offset <= first - sent``. The bounds differ
by the time for sending the request, serialising the trace and sending it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.bundle.manifest import ClockRecord
from diag.formats.trace.recorded_window import recorded_window, stop_unix_ns
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.tracers.trace_source import TraceRecording
    from diag.model.events import Space

# 146 years. Differences of two such offsets are whole numbers of 64 bits.
_OFFSET_LIMIT_NS = 1 << 62


def clock_bounds(recording: TraceRecording, space: Space) -> tuple[int, int] | Unavailable:
    """Least and greatest possible offset (server minus this machine) in ns.

    Unavailable if the trace has no absolute time, or if the bounds contradict each other, for
    example because a clock was set during the recording.

    Args:
        recording: The times of request and answer, by this machine's wall clock.
        space: The trace, with times of the server's clock.
    """
    if isinstance(space.origin_unix_ns, Unavailable):
        return space.origin_unix_ns
    window, stop_unix = recorded_window(space), stop_unix_ns(space)
    last_unix_ns = space.origin_unix_ns + window.end_ns
    if not isinstance(stop_unix, Unavailable):
        # Later than the window's end, but still read before the server answered.
        last_unix_ns = max(last_unix_ns, stop_unix)
    least = last_unix_ns - recording.received_unix_ns
    greatest = space.origin_unix_ns + window.start_ns - recording.sent_unix_ns
    if least > greatest:
        return Unavailable("the trace is longer than the call that recorded it, so a clock was set")
    if least <= -_OFFSET_LIMIT_NS or greatest >= _OFFSET_LIMIT_NS:
        return Unavailable("the trace's time is more than a century from this machine's time")
    return least, greatest


def clock_record(
    source: str, bounds: tuple[int, int], reading_ns: int, *, same_clock: bool
) -> ClockRecord:
    """The clock offset of a source, for the manifest.

    If the bounds allow an offset of 0, it is taken as 0, because NTP keeps hosts together. The
    uncertainty still covers the whole range of the bounds, unless both read the same clock.

    Args:
        source: Name of the source, such as ``host``.
        bounds: Least and greatest offset of the server's clock in ns, of ``clock_bounds``.
        reading_ns: Duration of the longest reading; a sample's time lies somewhere within it.
        same_clock: Whether both read the same clock (``local_server.shares_clock``); ignored if
            the bounds contradict it.
    """
    least, greatest = bounds
    may_be_equal = least <= 0 <= greatest
    if may_be_equal and same_clock:
        least = greatest = 0
    offset_ns = 0 if may_be_equal else (least + greatest) // 2
    uncertainty_ns = max(offset_ns - least, greatest - offset_ns) + (reading_ns + 1) // 2
    return ClockRecord(source=source, offset_ns=offset_ns, uncertainty_ns=uncertainty_ns)
