"""The recorded interval of a trace, and its host tracer level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError

from diag.formats.limits import DURATION_MAX_MS
from diag.formats.trace import event_names as ev
from diag.formats.wire.profiler_pb2 import ProfileOptions
from diag.model.availability import Unavailable
from diag.model.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.model.events import Bools, EventTable, Plane, Space, StatValue

_NS_PER_MS = 1_000_000
_NONE_NS = np.iinfo(np.int64).min


def recorded_window(space: Space, planned_duration_ms: int | None = None) -> Window:
    """The window of a trace, in ns since its origin.

    The window starts with the host tracer: all its lines share one ``timestamp_ns``, 40 to 70 µs
    after ``profile_start_time`` in the four sample traces (9 to 12 µs when idle). It ends with the
    last event that is no mark of a thread pool, or at its start plus the duration if that is known
    and later, because an idle server records no event at the end. The duration is the server's own
    (``profile_options``.duration_ms), else the planned one.

    Marks of thread pools (``ThreadpoolListener``) go on while the data is collected, for up to
    299 ms on a live server, in which no request and no op is recorded. All other events of that
    server ended within 1.5 ms of start plus duration. A trace with nothing but marks ends with
    the last mark.

    ``profile_stop_time`` is never the end: it is taken after the data was collected, 3 to 23 ms
    after the last event in the samples and up to 314 ms on a live server. It only shows that a
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
    end_ns = _last_end_ns(tables, otherwise_ns=start_ns)
    environment = _environment(space.planes)
    duration_ms = _known_duration_ms(environment, planned_duration_ms)
    elapsed_ns = start_ns + duration_ms * _NS_PER_MS
    if elapsed_ns <= _stop_ns(environment, otherwise_ns=elapsed_ns):
        end_ns = max(end_ns, elapsed_ns)
    return Window(start_ns, end_ns)


def _last_end_ns(tables: Sequence[EventTable], otherwise_ns: int) -> int:
    """End of the last event that is no mark of a thread pool; of the last mark without any."""
    ends = [int(events.end_ns[_is_traced(events)].max(initial=_NONE_NS)) for events in tables]
    last_ns = max(ends, default=_NONE_NS)
    if last_ns > _NONE_NS:
        return last_ns
    return max((int(events.end_ns.max()) for events in tables), default=otherwise_ns)


def _is_traced(events: EventTable) -> Bools:
    """(n,) whether the event is no mark of a thread pool."""
    is_mark = np.zeros(len(events.names), np.bool_)
    is_mark[[i for i, name in enumerate(events.names) if name in ev.THREADPOOL_MARKS]] = True
    traced: Bools = ~is_mark[events.name_id]
    return traced


# Twice the largest delay of profile_stop_time after the window's end on a live server.
STOP_LATENESS_MAX_NS = 628_000_000


def unknown_end_ns(space: Space, planned_duration_ms: int | None = None) -> int:
    """Time in ns between the window's end and the session's end that may have been idle, else 0.

    Not 0 only if no duration is known, and the session stopped much later than collecting the data
    takes.
    """
    environment = _environment(space.planes)
    if _known_duration_ms(environment, planned_duration_ms):
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
    """The host tracer level of the session, from its ``profile_options``.

    Level 0 is the default value of the field, so it is believed only of options that the session
    used (version 1 on) and of a host without events.
    """
    options = _options(_environment(space.planes))
    if options is not None and options.host_tracer_level:
        return options.host_tracer_level
    has_events = any(plane.name == ev.HOST_PLANE and len(plane.events) for plane in space.planes)
    if options is not None and options.version and not has_events:
        return 0
    return Unavailable("the trace does not hold its session's options")


def _known_duration_ms(environment: dict[str, StatValue], planned_ms: int | None) -> int:
    """The duration asked for, by the server's options, else as planned; 0 if it is not known."""
    options = _options(environment)
    durations = (0 if options is None else options.duration_ms, planned_ms or 0)
    return next((ms for ms in durations if 0 < ms <= DURATION_MAX_MS), 0)


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
