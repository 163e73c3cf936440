"""Puts a decoded Space beside the oracle's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diag.formats.trace.event_names import INTEGER_STATS, TEXT_STATS, TYPE_STATS, TYPED_EVENTS
from diag.model.availability import Unavailable
from tests.oracle.xspace_oracle import PlainEvent, Wanted, decode_plainly

if TYPE_CHECKING:
    from diag.model.events import EventTable, Space

WANTED = Wanted(INTEGER_STATS, TEXT_STATS, TYPE_STATS, TYPED_EVENTS)


def plain_events(table: EventTable) -> list[PlainEvent]:
    stats: list[dict[str, int | str]] = [{} for _ in range(len(table))]
    for name, column in table.stats.items():
        rows = column.rows.tolist()
        assert rows == sorted(set(rows)), f"rows of {name} do not ascend"
        assert rows, f"the column of {name} is empty"
        for row, value in zip(rows, column.values.tolist(), strict=True):
            stats[row][name] = table.names[value] if name in TEXT_STATS else value
    return [
        PlainEvent(line, start, end, table.names[name], stats[row])
        for row, (line, start, end, name) in enumerate(
            zip(
                table.line_index.tolist(),
                table.start_ns.tolist(),
                table.end_ns.tolist(),
                table.name_id.tolist(),
                strict=True,
            )
        )
    ]


def assert_agrees_with_oracle(space: Space, data: bytes) -> int:
    """Fail at the first difference; returns the number of events compared."""
    truth = decode_plainly(data, WANTED)
    expected_origin: Any = truth.origin_unix_ns
    if expected_origin is None:
        assert isinstance(space.origin_unix_ns, Unavailable)
    else:
        assert space.origin_unix_ns == expected_origin
    assert list(space.errors) == truth.errors
    assert list(space.warnings)[: len(truth.warnings)] == truth.warnings
    assert list(space.hostnames) == truth.hostnames
    assert len(space.planes) == len(truth.planes)
    compared = 0
    for plane, expected in zip(space.planes, truth.planes, strict=True):
        assert (plane.id, plane.name) == (expected.id, expected.name)
        assert [(line.id, line.name, line.origin_ns) for line in plane.lines] == expected.lines
        # repr, as NaN differs from itself
        assert repr(sorted(plane.stats.items())) == repr(sorted(expected.stats.items()))
        assert plain_events(plane.events) == expected.events
        compared += len(expected.events)
    return compared
