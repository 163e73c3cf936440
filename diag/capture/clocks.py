"""How the server's clock relates to this machine's, bounded by cause and effect.

The request was sent before recording began, and the answer came after it had ended::

    this machine     sent |---------------------------------------| received
    server                     | profile_start .. last event |

so ``server = here + offset`` with ``last - received <= offset <= start - sent``.
``profile_stop_time`` is no bound: it is taken after the data was collected, up to 131 ms late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.manifest import ClockRecord
from diag.formats.recorded_window import recorded_window
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.capture.profiler import Recording
    from diag.model.events import Space


def clock_bounds(recording: Recording, space: Space) -> tuple[int, int] | Unavailable:
    """Least and greatest offset in ns that the times allow.

    Unavailable if the trace has no absolute time, or if the bounds contradict each other, which a
    clock that was set during the window can cause.
    """
    if isinstance(space.origin_unix_ns, Unavailable):
        return space.origin_unix_ns
    window = recorded_window(space)
    least = space.origin_unix_ns + window.end_ns - recording.received_unix_ns
    greatest = space.origin_unix_ns + window.start_ns - recording.sent_unix_ns
    if least > greatest:
        return Unavailable("the trace is longer than the call that made it: a clock was set")
    return least, greatest


def clock_record(source: str, bounds: tuple[int, int], reading_ns: int) -> ClockRecord:
    """The relation for a source that was read by this machine's clock.

    If the bounds allow equal clocks, equal they are taken to be: hosts are kept so by NTP, and on
    one machine it is the same clock. The uncertainty then still covers all the bounds allow.

    Args:
        source: ``host``, ``gpu`` or ``metrics``.
        bounds: Of ``clock_bounds``.
        reading_ns: How long one reading took at most; its instant lies somewhere within.
    """
    least, greatest = bounds
    offset_ns = 0 if least <= 0 <= greatest else (least + greatest) // 2
    uncertainty_ns = max(offset_ns - least, greatest - offset_ns) + (reading_ns + 1) // 2
    return ClockRecord(source=source, offset_ns=offset_ns, uncertainty_ns=uncertainty_ns)
