"""The recorded interval of a trace, and its host tracer level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from diag.formats.trace import event_names as ev
from diag.formats.wire.profiler_pb2 import ProfileOptions
from diag.model.availability import Unavailable
from diag.model.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.model.events import Plane, Space, StatValue

_NS_PER_MS = 1_000_000


def recorded_window(space: Space, planned_duration_ms: int | None = None) -> Window:
    """The window of a trace, in ns since its origin.

    The window starts with the host tracer: all its lines share one ``timestamp_ns``, 40 to 70 µs
    after ``profile_start_time`` in the four sample traces (9 to 12 µs when idle). It ends with the
    last event, or at its start plus the duration if that is known and later, because an idle
    server records no event at the end. The duration is the server's own
    (``profile_options``.duration_ms), else the planned one.

    ``profile_stop_time`` is never the end: it is taken after the data was collected, 3 to 23 ms
    after the last event in the samples and up to 131 ms in other traces. It only shows that a
    session ended early: then it is before start plus duration, the window ends with the last
    event, and idle time after that is unknown.

    A server without any event records no line. The window then starts at 0 and has the duration,
    or is empty.
    """
    host = [plane for plane in space.planes if plane.name == ev.HOST_PLANE and plane.lines]
    starts_ns = [line.origin_ns for plane in host or space.planes for line in plane.lines]
    tables = [plane.events for plane in space.planes if len(plane.events)]
    starts_ns += [int(events.start_ns.min()) for events in tables]
    start_ns = min(starts_ns, default=0)
    end_ns = max((int(events.end_ns.max()) for events in tables), default=start_ns)
    environment = _environment(space.planes)
    duration_ms = _duration_ms(environment) or planned_duration_ms or 0
    elapsed_ns = start_ns + duration_ms * _NS_PER_MS
    if elapsed_ns <= _stop_ns(environment, otherwise_ns=elapsed_ns):
        end_ns = max(end_ns, elapsed_ns)
    return Window(start_ns, end_ns)


# Twice the largest delay of profile_stop_time after the last event in any sample.
STOP_LATENESS_MAX_NS = 262_000_000


def unknown_end_ns(space: Space, planned_duration_ms: int | None = None) -> int:
    """Time in ns between the window's end and the session's end that may have been idle, else 0.

    Not 0 only if no duration is known, and the session stopped much later than collecting the data
    takes.
    """
    environment = _environment(space.planes)
    if _duration_ms(environment) or planned_duration_ms:
        return 0
    end_ns = recorded_window(space).end_ns
    after_ns = _stop_ns(environment, otherwise_ns=end_ns) - end_ns
    return after_ns if after_ns > STOP_LATENESS_MAX_NS else 0


def stop_unix_ns(space: Space) -> int | Unavailable:
    """``profile_stop_time``: the server's wall clock when it had collected the data."""
    stop = _environment(space.planes).get(ev.STAT_PROFILE_STOP)
    return stop if isinstance(stop, int) else Unavailable("the trace holds no profile_stop_time")


def _environment(planes: Sequence[Plane]) -> dict[str, StatValue]:
    """Stats of the session (tsl/profiler/convert/post_process_single_host_xplane.cc)."""
    return next((plane.stats for plane in planes if plane.name == ev.ENVIRONMENT_PLANE), {})


def recorded_level(space: Space) -> int | Unavailable:
    """The host tracer level of the session, from its ``profile_options``."""
    options = _options(_environment(space.planes))
    if options is None or not options.host_tracer_level:
        return Unavailable("the trace does not hold its session's options")
    return options.host_tracer_level


def _duration_ms(environment: dict[str, StatValue]) -> int:
    options = _options(environment)
    return 0 if options is None else options.duration_ms


def _options(environment: dict[str, StatValue]) -> ProfileOptions | None:
    options = environment.get(ev.STAT_PROFILE_OPTIONS)
    if not isinstance(options, bytes):
        return None
    try:
        return ProfileOptions.FromString(options)
    except DecodeError:
        return None


def _stop_ns(environment: dict[str, StatValue], otherwise_ns: int) -> int:
    start, stop = environment.get(ev.STAT_PROFILE_START), environment.get(ev.STAT_PROFILE_STOP)
    if not isinstance(start, int) or not isinstance(stop, int):
        return otherwise_ns
    return stop - start
