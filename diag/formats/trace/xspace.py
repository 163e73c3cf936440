"""From XSpace bytes to a Space with ordered planes.

The compiled module ``_xspace`` reads the bytes. This module checks what the analysis requires and
builds the domain types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from diag.errors import XSpaceDecodeError
from diag.formats.trace import _xspace
from diag.formats.trace.earlier_names import with_later_names
from diag.formats.trace.event_names import INTEGER_STATS, TEXT_STATS, TYPE_STATS, TYPED_EVENTS
from diag.formats.trace.event_order import order_events
from diag.model.availability import Unavailable
from diag.model.events import EventTable, Line, Plane, Space, StatColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound=np.generic)

# Profiling windows take seconds. Times that are further apart come from corrupt bytes or from
# clocks that were not aligned, and sums of them would overflow without an error.
SPAN_MAX_NS = 24 * 3_600 * 1_000_000_000
# Any two times can be added and subtracted in 64 bits.
TIME_MAX_NS = 1 << 61

_FOREIGN = {
    b"\x1f\x8b": "it is gzip: unpack it first",
    b"PK\x03\x04": "it is a zip archive: give it its .zip name",
    b"{": "it is JSON, e.g. trace.json: give the *.xplane.pb in the same folder",
    b"<": "it is HTML or XML, e.g. an error page: download the trace again",
}


def decode_space(data: bytes | memoryview, *, max_events: int = 64_000_000) -> Space:
    """Decode a serialized XSpace.

    Args:
        data: The bytes; a memoryview, for example of an mmap, is read in place.
        max_events: A trace with more events is refused before memory is allocated for them.

    Returns:
        All planes, with the events of each ordered by (line, start, longest first) in read-only
        columns. Times are ns since the origin; start and end are each rounded down. Empty input
        gives a space without planes.

    Raises:
        XSpaceDecodeError: The bytes are truncated, corrupt or hostile, hold too many events, or
            events more than 24 hours apart or away from the origin.
    """
    try:
        raw = _xspace.decode(
            data,
            max_events=max_events,
            integer_stats=INTEGER_STATS,
            text_stats=TEXT_STATS,
            typed_events=TYPED_EVENTS,
            type_stats=TYPE_STATS,
        )
    except XSpaceDecodeError as problem:
        hint = _hint_from(bytes(data[:65536])) or problem.hint
        raise XSpaceDecodeError(problem.message, hint=hint) from None
    _check_span(raw)
    names = tuple(raw.names)
    origin: int | Unavailable = (
        Unavailable("the trace has neither profile_start_time nor wall-clock line timestamps")
        if raw.origin_unix_ns is None
        else raw.origin_unix_ns
    )
    return Space(
        planes=tuple(_plane(plane, names) for plane in raw.planes),
        origin_unix_ns=origin,
        errors=tuple(raw.errors),
        warnings=(*raw.warnings, *_losses(raw)),
        hostnames=tuple(raw.hostnames),
    )


def _hint_from(head: bytes) -> str:
    """A hint from the first bytes of a file that is not an XSpace; "" if they are not known."""
    for magic, hint in _FOREIGN.items():
        if head.startswith(magic):
            return hint
    if head.count(b"\xef\xbf\xbd") > 3:  # U+FFFD replaced bytes that were not UTF-8
        return "a transfer treated the file as text and destroyed it; copy it again in binary mode"
    return ""


def _check_span(raw: _xspace.RawSpace) -> None:
    filled = [plane for plane in raw.planes if len(plane.start_ns)]
    if not filled:
        return
    first_ns = min(int(plane.start_ns.min()) for plane in filled)
    last_ns = max(int(plane.end_ns.max()) for plane in filled)
    if raw.origin_unix_ns is not None:
        first_ns, last_ns = min(first_ns, 0), max(last_ns, 0)
    if last_ns - first_ns > SPAN_MAX_NS or max(-first_ns, last_ns) > TIME_MAX_NS:
        raise XSpaceDecodeError(
            f"not a valid XSpace: its times reach from {first_ns} to {last_ns} ns",
            hint="a profiling window is at most 24 hours; check that the file is undamaged",
        )


def _losses(raw: _xspace.RawSpace) -> Iterator[str]:
    untimed = sum(plane.untimed_events for plane in raw.planes)
    if untimed:
        yield f"diag left out {untimed} aggregated events, which carry no time"
    turned = sum(plane.reversed_events for plane in raw.planes)
    if turned:
        yield f"diag read {turned} events of negative duration as marks"


def _plane(raw: _xspace.RawPlane, names: tuple[str, ...]) -> Plane:
    order_events(raw)
    lines = tuple(
        Line(id=line.id, name=line.name, origin_ns=origin_ns)
        for line, origin_ns in zip(raw.lines, raw.line_origin_ns, strict=True)
    )
    events = EventTable(
        start_ns=_frozen(raw.start_ns),
        end_ns=_frozen(raw.end_ns),
        name_id=_frozen(raw.name_id),
        line_index=_frozen(raw.line_index),
        names=names,
        stats={
            name: StatColumn(_frozen(rows), _frozen(values))
            for name, (rows, values) in raw.columns.items()
        },
    )
    return Plane(
        id=raw.id, name=raw.name, lines=lines, events=with_later_names(events), stats=raw.stats
    )


def _frozen(column: NDArray[_Scalar]) -> NDArray[_Scalar]:
    column.flags.writeable = False
    return column
