"""Decoded XSpace: planes of lines of events, as columns.

Terms are XPlane's (tsl/profiler/protobuf/xplane.proto, TensorFlow 2.21): a plane is a host or a
device, a line a thread or a stream, an event an interval on a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Ints = NDArray[np.signedinteger[Any]]  # of any width, as columns of millions are kept narrow
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class StatColumn:
    """One stat over the events that carry it.

    Attributes:
        rows: Ascending rows of the event table, shape (k,), int32.
        values: Shape (k,), int32 or, where that is too narrow for any of them, int64. For a number,
            its value; unsigned 64-bit values keep their bits (``values.view(np.uint64)``). For a
            text stat, an index into ``EventTable.names``.
    """

    rows: Int32s
    values: Ints

    def __repr__(self) -> str:
        return f"StatColumn({len(self.rows)} rows)"

    def at(self, rows: Ints, default: int = -1) -> Int64s:
        """Values for the given event rows; ``default`` where a row lacks the stat."""
        out = np.full(len(rows), default, np.int64)
        if len(self.rows):
            # With the same dtype, as the search would otherwise copy all rows.
            position = np.searchsorted(self.rows, rows.astype(np.int32, copy=False))
            position[position == len(self.rows)] = 0
            found = self.rows[position] == rows
            out[found] = self.values[position[found]]
        return out


EMPTY_STAT = StatColumn(np.empty(0, np.int32), np.empty(0, np.int32))


@dataclass(frozen=True, eq=False)
class EventTable:
    """The events of one plane, ordered by (line, start, longest first).

    With that order, the innermost event of a kind that may enclose a row is the last one of that
    kind at or before it: nesting is a search over row numbers.

    Attributes:
        start_ns: Shape (n,), int64, ns since the capture's origin.
        end_ns: Shape (n,), int64, half-open end on the same clock; equals the start for marks.
        name_id: Shape (n,), int32, index into ``names``.
        line_index: Shape (n,), int32, index into ``Plane.lines``.
        names: Interned texts, shared by all planes of a capture: event names and text stats.
        stats: Columns by stat name, only of the stats that the analysis uses.
    """

    start_ns: Int64s
    end_ns: Int64s
    name_id: Int32s
    line_index: Int32s
    names: tuple[str, ...]
    stats: dict[str, StatColumn]

    def __len__(self) -> int:
        return len(self.start_ns)

    def __repr__(self) -> str:
        return f"EventTable({len(self)} events, {len(self.stats)} stats)"

    @cached_property
    def _name_index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def rows_named(self, *names: str) -> Int64s:
        """Ascending rows of the events with one of these names; empty if none does."""
        ids = [self._name_index[name] for name in names if name in self._name_index]
        if not ids:
            return np.empty(0, np.int64)
        wanted = np.zeros(len(self.names), np.bool_)
        wanted[ids] = True
        return np.flatnonzero(wanted[self.name_id])

    def rows_where(self, matches: Callable[[str], bool]) -> Int64s:
        """Ascending rows of the events whose names match; the test runs once a name."""
        wanted = np.fromiter(map(matches, self.names), np.bool_, len(self.names))
        return np.flatnonzero(wanted[self.name_id]) if wanted.any() else np.empty(0, np.int64)

    def stat(self, name: str) -> StatColumn:
        """The stat's column, empty if no event carries it."""
        return self.stats.get(name, EMPTY_STAT)


StatValue = int | float | str | bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A thread or a stream.

    Attributes:
        id: The profiler's number for it; for host threads often a hash, not a tid.
        name: Thread or stream name, "" if it has none.
        origin_ns: ``XLine.timestamp_ns``, relative to the capture's origin.
    """

    id: int
    name: str
    origin_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A host, a device, or a place for facts about the capture (``Task Environment``)."""

    id: int
    name: str
    lines: tuple[Line, ...]
    events: EventTable
    stats: dict[str, StatValue]

    def __repr__(self) -> str:
        return f"Plane({self.name!r}, {len(self.lines)} lines, {len(self.events)} events)"


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """A whole decoded XSpace.

    Attributes:
        planes: In file order.
        origin_unix_ns: Wall clock of time 0: ``Task Environment``.profile_start_time, to which the
            server has already made all times relative; or, in older traces without it, the
            earliest line's absolute timestamp, which decoding then subtracts.
        errors: What the server's tracers reported as errors, e.g. CUPTI refusals.
        warnings: Likewise, e.g. dropped device events.
        hostnames: As the server names itself.
    """

    planes: tuple[Plane, ...]
    origin_unix_ns: int | Unavailable
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    hostnames: tuple[str, ...]
