"""The events of a simulated server, and the XSpace that the profiler would return."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from diag.formats.trace import event_names as ev
from diag.formats.wire.profiler_pb2 import ProfileOptions
from diag.testing.space_builder import SpaceBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from diag.model.events import StatValue
    from diag.testing.space_builder import PlaneBuilder

ORIGIN_UNIX_NS: Final = 1_790_000_000_000_000_000
# The host tracer's lines begin 40 to 70 us after the session in recordings.
MAX_CLOCK_MHZ: Final = 2_000
LINE_START_NS: Final = 50_000
_NO_STATS: Final[dict[str, StatValue]] = {}


def produces(context: int, link: int) -> dict[str, StatValue]:
    """Stats of an event that hands work over, in a context of ``event_names.CONTEXT_*``."""
    return {ev.STAT_PRODUCER_TYPE: context, ev.STAT_PRODUCER_ID: link}


def consumes(context: int, link: int) -> dict[str, StatValue]:
    """Stats of the event that takes the work over."""
    return {ev.STAT_CONSUMER_TYPE: context, ev.STAT_CONSUMER_ID: link}


@dataclass(frozen=True, slots=True)
class Event:
    """An event on the simulation's clock, half-open, in ns."""

    name: str
    start_ns: int
    end_ns: int
    stats: Mapping[str, StatValue]


@dataclass
class EventLog:
    """Events by plane and line, in the order of their ends.

    Attributes:
        host: Host events by name of the thread.
        devices: For each GPU, its events by name of the line.
        numbers: Ids for links, steps and correlations, from 1.
    """

    devices: list[defaultdict[str, list[Event]]]
    host: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(
        self,
        line: str,
        name: str,
        start_ns: int,
        end_ns: int,
        stats: Mapping[str, StatValue] = _NO_STATS,
    ) -> None:
        """Add an event on a host thread."""
        self.host[line].append(Event(name, start_ns, end_ns, stats))

    def mark(
        self, line: str, name: str, at_ns: int, stats: Mapping[str, StatValue] = _NO_STATS
    ) -> None:
        """Add an event without duration on a host thread."""
        self.add(line, name, at_ns, at_ns, stats)

    def moved(self, time: Callable[[int], int]) -> None:
        """Replace all times by a function of them."""
        for lines in (self.host, *self.devices):
            for line, events in lines.items():
                lines[line] = [
                    Event(each.name, time(each.start_ns), time(each.end_ns), each.stats)
                    for each in events
                ]

    def space(self, window: tuple[int, int]) -> SpaceBuilder:
        """The XSpace of a window, without the events that begin before it or end after it.

        The window begins ``LINE_START_NS`` after the capture's origin, as the lines do.
        """
        start, end = window
        options = ProfileOptions(
            version=1,
            host_tracer_level=2,
            device_tracer_level=1,
            duration_ms=-(-(end - start) // 10**6),
        )
        space = SpaceBuilder()
        space.environment(
            {
                ev.STAT_PROFILE_START: ORIGIN_UNIX_NS,
                ev.STAT_PROFILE_STOP: ORIGIN_UNIX_NS + (end - start) + 10**9,
                ev.STAT_PROFILE_OPTIONS: options.SerializeToString(),
            }
        )
        planes = [(space.plane(ev.HOST_PLANE, plane_id=1), self.host)]
        for index, lines in enumerate(self.devices):
            plane = space.plane(f"/device:GPU:{index}", plane_id=2 + index)
            plane.stat(ev.STAT_GPU_VENDOR, "Nvidia")
            plane.stat(ev.STAT_GPU_MODEL, "Simulated GPU")
            plane.stat(ev.STAT_CLOCK_RATE, MAX_CLOCK_MHZ * 1000)
            planes.append((plane, lines))
        for plane, lines in planes:
            _fill(plane, lines, window)
        return space


def _fill(plane: PlaneBuilder, lines: dict[str, list[Event]], window: tuple[int, int]) -> None:
    start, end = window
    shift = LINE_START_NS - start
    for number, (name, events) in enumerate(sorted(lines.items()), 1):
        line = plane.line(name, line_id=number, timestamp_ns=LINE_START_NS)
        inside = [e for e in events if e.start_ns >= start and e.end_ns <= end]
        for each in sorted(inside, key=lambda e: (e.start_ns, -e.end_ns)):
            line.event(each.name, each.start_ns + shift, each.end_ns + shift, each.stats)
