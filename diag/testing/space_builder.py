"""Build XSpaces event by event; ``diag.testing.xspace_builder`` builds them from readable lines.

Source of field numbers: tsl/profiler/protobuf/xplane.proto, TensorFlow 2.21.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.trace.event_names import ENVIRONMENT_PLANE
from diag.testing import wire_format as wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.model.events import StatValue


class Uint64(int):
    """An integer stat that is written as uint64 even if it fits int64."""


_NO_STATS: dict[str, StatValue] = {}


class LineBuilder:
    """A thread or a stream; events are written in the order in which they were added."""

    def __init__(self, plane: PlaneBuilder, name: str, line_id: int, timestamp_ns: int) -> None:
        self._plane = plane
        self._timestamp_ps = timestamp_ns * 1000
        self._head = (
            wire.number_field(1, line_id)
            + wire.text_field(2, name)
            + wire.number_field(3, timestamp_ns)
        )
        self._events = bytearray()

    def event(
        self, name: str, start_ns: int, end_ns: int, stats: Mapping[str, StatValue] = _NO_STATS
    ) -> None:
        """Add an event over ``[start_ns, end_ns)``, a mark if both are equal; capture's clock."""
        self.event_ps(name, start_ns * 1000, end_ns * 1000, stats)

    def event_ps(
        self, name: str, start_ps: int, end_ps: int, stats: Mapping[str, StatValue] = _NO_STATS
    ) -> None:
        """Add an event with edges in picoseconds, the unit of the format."""
        body = (
            wire.number_field(1, self._plane.event_id(name))
            + wire.present_number_field(2, start_ps - self._timestamp_ps)
            + wire.number_field(3, end_ps - start_ps)
        )
        for stat, value in stats.items():
            body += wire.bytes_field(4, self._plane.encode_stat(stat, value))
        self._events += wire.bytes_field(4, body)

    def build(self) -> bytes:
        """The serialised XLine."""
        return self._head + bytes(self._events)


class PlaneBuilder:
    """A host, a device or the environment; gives out metadata ids, from 1."""

    def __init__(self, name: str, plane_id: int) -> None:
        self._head = wire.number_field(1, plane_id) + wire.text_field(2, name)
        self._lines: list[LineBuilder] = []
        self._event_ids: dict[str, int] = {}
        self._stat_ids: dict[str, int] = {}
        self._stats = bytearray()

    def line(self, name: str, *, line_id: int | None = None, timestamp_ns: int = 0) -> LineBuilder:
        """Add a line; its default id is its number, from 1."""
        number = len(self._lines) + 1 if line_id is None else line_id
        self._lines.append(LineBuilder(self, name, number, timestamp_ns))
        return self._lines[-1]

    def stat(self, name: str, value: StatValue) -> None:
        """Add a fact about the whole plane."""
        self._stats += wire.bytes_field(6, self.encode_stat(name, value))

    def event_id(self, name: str) -> int:
        """The metadata id of an event name."""
        return self._event_ids.setdefault(name, len(self._event_ids) + 1)

    def stat_id(self, name: str) -> int:
        """The metadata id of a stat name, or of a text that a stat refers to."""
        return self._stat_ids.setdefault(name, len(self._stat_ids) + 1)

    def encode_stat(self, name: str, value: StatValue) -> bytes:
        """A serialised XStat with the profiler's types.

        Integers are int64 if they fit and uint64 otherwise; texts become references.
        """
        head = wire.number_field(1, self.stat_id(name))
        if isinstance(value, str):
            return head + wire.present_number_field(7, self.stat_id(value))
        if isinstance(value, bytes):
            return head + wire.bytes_field(6, value)
        if isinstance(value, float):
            return head + wire.double_field(2, value)
        unsigned = isinstance(value, Uint64) or value >= 1 << 63
        return head + wire.present_number_field(3 if unsigned else 4, value)

    def build(self) -> bytes:
        """The serialised XPlane."""
        parts = [self._head]
        parts += [wire.bytes_field(3, line.build()) for line in self._lines]
        parts += [_metadata(4, name, number) for name, number in self._event_ids.items()]
        parts += [_metadata(5, name, number) for name, number in self._stat_ids.items()]
        return b"".join(parts) + bytes(self._stats)


class SpaceBuilder:
    """Builds an XSpace.

    >>> space = SpaceBuilder()
    >>> thread = space.plane("/host:CPU").line("grpc-1")
    >>> thread.event("SessionRun", 0, 1_000_000, {"id": 7})
    >>> len(space.build()) > 0
    True
    """

    def __init__(self) -> None:
        self._planes: list[PlaneBuilder] = []
        self._environment: PlaneBuilder | None = None
        self._messages = bytearray()

    def plane(self, name: str, *, plane_id: int = 0) -> PlaneBuilder:
        """Add a plane."""
        self._planes.append(PlaneBuilder(name, plane_id))
        return self._planes[-1]

    def environment(self, stats: Mapping[str, StatValue]) -> PlaneBuilder:
        """Add stats to the plane of the wall clock, e.g. ``{"profile_start_time": unix_ns}``."""
        if self._environment is None:
            self._environment = self.plane(ENVIRONMENT_PLANE)
        for name, value in stats.items():
            self._environment.stat(name, value)
        return self._environment

    def error(self, text: str) -> None:
        """Add an error of a tracer."""
        self._messages += wire.bytes_field(2, text.encode())

    def warning(self, text: str) -> None:
        """Add a warning, e.g. of dropped device events."""
        self._messages += wire.bytes_field(3, text.encode())

    def hostname(self, text: str) -> None:
        """Add a name of the server."""
        self._messages += wire.bytes_field(4, text.encode())

    def build(self) -> bytes:
        """The serialised XSpace."""
        planes = b"".join(wire.bytes_field(1, plane.build()) for plane in self._planes)
        return planes + bytes(self._messages)


def _metadata(field: int, name: str, number: int) -> bytes:
    value = wire.number_field(1, number) + wire.text_field(2, name)
    return wire.bytes_field(field, wire.number_field(1, number) + wire.bytes_field(2, value))
