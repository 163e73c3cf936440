"""How the server's clock relates to this machine's.

On this machine it is the same clock. Elsewhere cause and effect bound the offset: the request was
sent before the server read its clock first, and the answer came after it read it last::

    this machine     sent |----------------------------------------------------| received
    server               | profile_start .. last event .. profile_stop |

so ``server = here + offset`` with ``last - received <= offset <= first - sent``. What is left is
the way there, and serialising the trace and the way back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.bundle.manifest import ClockRecord
from diag.formats.trace.recorded_window import recorded_window, stop_unix_ns
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.tracers.profile_call import TraceRecording
    from diag.model.events import Space

# 146 years. Differences of two such offsets are whole numbers of 64 bits.
_OFFSET_LIMIT_NS = 1 << 62


def clock_bounds(recording: TraceRecording, space: Space) -> tuple[int, int] | Unavailable:
    """Least and greatest offset in ns that the times allow.

    Unavailable if the trace has no absolute time, or if the bounds contradict each other, which a
    clock that was set during the window can cause.
    """
    if isinstance(space.origin_unix_ns, Unavailable):
        return space.origin_unix_ns
    window, stop_unix = recorded_window(space), stop_unix_ns(space)
    last_unix_ns = space.origin_unix_ns + window.end_ns
    if not isinstance(stop_unix, Unavailable):
        # Too late to be the window's end, but a reading of the server's clock before it answered.
        last_unix_ns = max(last_unix_ns, stop_unix)
    least = last_unix_ns - recording.received_unix_ns
    greatest = space.origin_unix_ns + window.start_ns - recording.sent_unix_ns
    if least > greatest:
        return Unavailable("the trace is longer than the call that made it: a clock was set")
    if least <= -_OFFSET_LIMIT_NS or greatest >= _OFFSET_LIMIT_NS:
        return Unavailable("the trace's time is more than a century from this machine's")
    return least, greatest


def clock_record(
    source: str, bounds: tuple[int, int], reading_ns: int, *, same_clock: bool
) -> ClockRecord:
    """The relation for a source that was read by this machine's clock.

    If the bounds allow equal clocks, equal they are taken to be: hosts are kept so by NTP. The
    uncertainty still covers all the bounds allow, unless it is one and the same clock.

    Args:
        source: ``host``, ``gpu`` or ``metrics``.
        bounds: Of ``clock_bounds``.
        reading_ns: How long one reading took at most; its instant lies somewhere within.
        same_clock: Of ``local_server.shares_clock``; not believed against the bounds.
    """
    least, greatest = bounds
    may_be_equal = least <= 0 <= greatest
    if may_be_equal and same_clock:
        least = greatest = 0
    offset_ns = 0 if may_be_equal else (least + greatest) // 2
    uncertainty_ns = max(offset_ns - least, greatest - offset_ns) + (reading_ns + 1) // 2
    return ClockRecord(source=source, offset_ns=offset_ns, uncertainty_ns=uncertainty_ns)
