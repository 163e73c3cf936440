"""Find the event that shows the cause of a piece best."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diag.model.events import EventTable, Int32s, Int64s, Ints

NO_ROW = -1


@dataclass(frozen=True, eq=False)
class EvidenceEvents:
    """Events of the host plane that may show a cause, each with the span for which it is evidence.

    The span may be longer than the event: a task waits from its enqueue, which takes microseconds,
    until its batch is ready.

    Attributes:
        start_ns: (n,) begin of each span.
        end_ns: (n,) its end.
        row: (n,) event row of the host plane, of any integer width.
    """

    start_ns: Int64s
    end_ns: Int64s
    row: Ints

    @staticmethod
    def of(events: EventTable, row: Ints) -> EvidenceEvents:
        """Events whose span is their own duration."""
        return EvidenceEvents(events.start_ns[row], events.end_ns[row], row)

    def __len__(self) -> int:
        return len(self.row)

    def oldest(self, at_ns: Int64s) -> Int64s:
        """Position of the span that began first, of those that cover each point, or -1.

        Spans are sorted by end, and for each end the first to begin of all that end there or later
        is kept. If that one has not begun at the point, none has.
        """
        if not len(self):
            return np.full(len(at_ns), NO_ROW, np.int64)
        ends, leader = self._by_end
        index = np.searchsorted(ends, at_ns, side="right")
        found = leader[np.minimum(index, len(leader) - 1)]
        covers = (index < len(leader)) & (self.start_ns[found] <= at_ns)
        return np.where(covers, found, NO_ROW)

    def first_within(self, start_ns: Int64s, end_ns: Int64s) -> Int64s:
        """Position of the first to begin within each span, or -1."""
        if not len(self):
            return np.full(len(start_ns), NO_ROW, np.int64)
        order, starts = self._by_start
        index = np.searchsorted(starts, start_ns, side="left")
        found = order[np.minimum(index, len(order) - 1)]
        inside = (index < len(order)) & (self.start_ns[found] < end_ns)
        return np.where(inside, found, NO_ROW)

    @cached_property
    def _by_start(self) -> tuple[Int32s, Int64s]:
        """Positions sorted by begin, and the begins."""
        return _ordered(self.start_ns)

    @cached_property
    def _by_end(self) -> tuple[Int64s, Int32s]:
        """Ends sorted, and for each the position of the first to begin of all from there on."""
        order, ends = _ordered(self.end_ns)
        starts = self.start_ns[order][::-1]
        is_first = starts <= np.minimum.accumulate(starts)
        del starts
        leader = np.where(is_first, np.arange(len(order), dtype=np.int32), np.int32(0))
        np.maximum.accumulate(leader, out=leader)
        return ends, order[::-1][leader][::-1]


def _ordered(values: Int64s) -> tuple[Int32s, Int64s]:
    """Positions sorted by value, and the values in that order."""
    if (values[1:] >= values[:-1]).all():  # events of one line are sorted already
        return np.arange(len(values), dtype=np.int32), values
    order = np.argsort(values, kind="stable").astype(np.int32)
    return order, values[order]


def best_rows(kinds: tuple[EvidenceEvents, ...], start_ns: Int64s, end_ns: Int64s) -> Int32s:
    """Row of the event that shows the cause of each piece best, or -1.

    Kinds are tried in order. Of a kind: the oldest event open in the middle of the piece, else the
    first to begin within it. If no kind has any: the oldest event open at the piece's begin.

    Args:
        kinds: Events by kind, the best kind first.
        start_ns: (n,) begin of each piece.
        end_ns: (n,) its end.
    """
    rows = np.full(len(start_ns), NO_ROW, np.int32)
    middle = start_ns + (end_ns - start_ns) // 2
    for kind in kinds:
        _fill(rows, kind, middle)
        _fill(rows, kind, start_ns, end_ns)
    for kind in kinds:
        _fill(rows, kind, start_ns)
    return rows


def _fill(
    rows: Int32s, kind: EvidenceEvents, at_ns: Int64s, until_ns: Int64s | None = None
) -> None:
    """Fill pieces without a row: open at ``at_ns``, or begun from then until ``until_ns``."""
    todo = np.flatnonzero(rows < 0)
    if not len(todo) or not len(kind):
        return
    if until_ns is None:
        found = kind.oldest(at_ns[todo])
    else:
        found = kind.first_within(at_ns[todo], until_ns[todo])
    rows[todo[found >= 0]] = kind.row[found[found >= 0]]
