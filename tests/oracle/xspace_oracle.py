"""Decodes an XSpace through protobuf, event by event, in plain Python: slow and obvious."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from tests.oracle.xspace_messages import XSpace

EPOCH_MIN_NS = 10**17
EPOCH_MAX_NS = 4_102_444_800 * 10**9


class OracleRefusedError(Exception):
    """Protobuf cannot parse the bytes."""


@dataclass(frozen=True)
class PlainEvent:
    line: int
    start_ns: int
    end_ns: int
    name: str
    stats: dict[str, int | str]


@dataclass(frozen=True)
class PlainPlane:
    id: int
    name: str
    lines: list[tuple[int, str, int]]
    events: list[PlainEvent]
    stats: dict[str, Any]


@dataclass(frozen=True)
class PlainSpace:
    planes: list[PlainPlane]
    origin_unix_ns: int | None
    errors: list[str]
    warnings: list[str]
    hostnames: list[str]
    untimed: int


@dataclass(frozen=True)
class Wanted:
    integers: tuple[str, ...]
    texts: tuple[str, ...]
    types: tuple[str, ...]
    typed_events: tuple[str, ...]


def parse(data: bytes) -> Any:
    try:
        return XSpace.FromString(data)
    except DecodeError as problem:
        raise OracleRefusedError(str(problem)) from problem


def decode_plainly(data: bytes, wanted: Wanted) -> PlainSpace:
    space = parse(data)
    origin = _origin(space)
    untimed = sum(
        event.WhichOneof("one") == "num_occurrences"
        for plane in space.planes
        for line in plane.lines
        for event in line.events
    )
    return PlainSpace(
        planes=[_plane(plane, origin or 0, wanted) for plane in space.planes],
        origin_unix_ns=origin,
        errors=list(space.errors),
        warnings=list(space.warnings),
        hostnames=list(space.hostnames),
        untimed=untimed,
    )


def _origin(space: Any) -> int | None:
    for plane in space.planes:
        if plane.name == "Task Environment":
            began = _plane_stats(plane).get("profile_start_time")
            if isinstance(began, int) and 0 < began < EPOCH_MAX_NS:
                return began
    absolute = [
        line.timestamp_ns
        for plane in space.planes
        for line in plane.lines
        if line.events and EPOCH_MIN_NS < line.timestamp_ns < EPOCH_MAX_NS
    ]
    return min(absolute, default=None)


def _plane(plane: Any, origin: int, wanted: Wanted) -> PlainPlane:
    lines = []
    events = []
    for index, line in enumerate(plane.lines):
        absolute = EPOCH_MIN_NS < line.timestamp_ns < EPOCH_MAX_NS
        base = line.timestamp_ns - (origin if absolute else 0)
        lines.append((line.id, line.name or line.display_name, base))
        events += [
            _event(plane, index, base, event, wanted)
            for event in line.events
            if event.WhichOneof("one") != "num_occurrences"
        ]
    events.sort(key=lambda event: (event.line, event.start_ns, -event.end_ns))
    return PlainPlane(plane.id, plane.name, lines, events, _plane_stats(plane))


def _event(plane: Any, index: int, base: int, event: Any, wanted: Wanted) -> PlainEvent:
    name = ""
    if event.metadata_id in plane.event_metadata:
        metadata = plane.event_metadata[event.metadata_id]
        name = metadata.name or metadata.display_name
    stats: dict[str, int | str] = {}
    for stat in event.stats:
        stat_name = _stat_name(plane, stat.metadata_id)
        if stat_name in stats:
            continue
        if stat_name in wanted.types and name not in wanted.typed_events:
            continue
        value = _value(plane, stat)
        if stat_name in wanted.texts and value is not None:
            stats[stat_name] = _text(value)
        elif stat_name in wanted.integers:
            number = _integer(value)
            if number is not None:
                stats[stat_name] = number
    duration = max(0, event.duration_ps)
    return PlainEvent(
        line=index,
        start_ns=base + event.offset_ps // 1000,
        end_ns=base + (event.offset_ps + duration) // 1000,
        name=name,
        stats=stats,
    )


def _stat_name(plane: Any, number: int) -> str:
    # Looking up a missing key would add it: a protobuf map is a defaultdict.
    return plane.stat_metadata[number].name if number in plane.stat_metadata else ""


def _plane_stats(plane: Any) -> dict[str, Any]:
    pairs = [(_stat_name(plane, stat.metadata_id), _value(plane, stat)) for stat in plane.stats]
    return {name: value for name, value in pairs if value is not None}


def _value(plane: Any, stat: Any) -> Any:
    which = stat.WhichOneof("one")
    if which is None:
        return None
    value = getattr(stat, which)
    if which != "ref_value":
        return value
    return _stat_name(plane, value - 2**64 if value >= 2**63 else value)


def _text(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _integer(value: Any) -> int | None:
    """The value as signed 64 bits, None if it is no such number."""
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    elif isinstance(value, str):
        try:
            value = int(value) if len(value) <= 20 and value.strip("-0123456789") == "" else None
        except ValueError:
            value = None
    if not isinstance(value, int) or not -(2**63) <= value < 2**64:
        return None
    return value - 2**64 if value >= 2**63 else value
