"""Which event shows the cause of a piece best: interval stabbing over columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diag.model.events import EventTable, Int32s, Int64s, Ints

NO_ROW = -1


@dataclass(frozen=True, eq=False)
class EvidenceEvents:
    """Events of the host plane that may show a cause, with the spans for which they stand.

    A span is not always its event's: a task waits from its enqueue, which takes microseconds, until
    its batch is ready.

    Attributes:
        start_ns: (n,).
        end_ns: (n,).
        row: (n,) of the host plane, of any width.
    """

    start_ns: Int64s
    end_ns: Int64s
    row: Ints

    @staticmethod
    def of(events: EventTable, row: Ints) -> EvidenceEvents:
        """Events that stand for themselves."""
        return EvidenceEvents(events.start_ns[row], events.end_ns[row], row)

    def __len__(self) -> int:
        return len(self.row)

    def oldest(self, at_ns: Int64s) -> Int64s:
        """Position of the one that began first of those that cover each point, or -1.

        Ends in order and, from each on, the one that began first: it covers a point before that
        end if it began by then, and if it did not, none did.
        """
        if not len(self):
            return np.full(len(at_ns), NO_ROW, np.int64)
        ends, leader = self._by_end
        index = np.searchsorted(ends, at_ns, side="right")
        found = leader[np.minimum(index, len(leader) - 1)]
        covers = (index < len(leader)) & (self.start_ns[found] <= at_ns)
        return np.where(covers, found, NO_ROW)

    def first_within(self, start_ns: Int64s, end_ns: Int64s) -> Int64s:
        """Position of one that begins first within each span, or -1."""
        if not len(self):
            return np.full(len(start_ns), NO_ROW, np.int64)
        order, starts = self._by_start
        index = np.searchsorted(starts, start_ns, side="left")
        found = order[np.minimum(index, len(order) - 1)]
        inside = (index < len(order)) & (self.start_ns[found] < end_ns)
        return np.where(inside, found, NO_ROW)

    @cached_property
    def _by_start(self) -> tuple[Int32s, Int64s]:
        """Positions in order of begin, and the begins."""
        return _ordered(self.start_ns)

    @cached_property
    def _by_end(self) -> tuple[Int64s, Int32s]:
        """Ends in order, and of those from each on the position of the one that began first."""
        order, ends = _ordered(self.end_ns)
        starts = self.start_ns[order][::-1]
        is_first = starts <= np.minimum.accumulate(starts)
        del starts
        leader = np.where(is_first, np.arange(len(order), dtype=np.int32), np.int32(0))
        np.maximum.accumulate(leader, out=leader)
        return ends, order[::-1][leader][::-1]


def _ordered(values: Int64s) -> tuple[Int32s, Int64s]:
    """Positions in order of value, and the values so."""
    if (values[1:] >= values[:-1]).all():  # as on a line by itself
        return np.arange(len(values), dtype=np.int32), values
    order = np.argsort(values, kind="stable").astype(np.int32)
    return order, values[order]


def best_rows(tiers: tuple[EvidenceEvents, ...], start_ns: Int64s, end_ns: Int64s) -> Int32s:
    """Row of the event that shows the cause of each piece best, or -1.

    The oldest one open in the piece's middle, else the first to begin in it, of the best kind of
    which there is one; else the oldest open at its begin.
    """
    rows = np.full(len(start_ns), NO_ROW, np.int32)
    middle = start_ns + (end_ns - start_ns) // 2
    for tier in tiers:
        _fill(rows, tier, middle)
        _fill(rows, tier, start_ns, end_ns)
    for tier in tiers:
        _fill(rows, tier, start_ns)
    return rows


def _fill(
    rows: Int32s, tier: EvidenceEvents, at_ns: Int64s, until_ns: Int64s | None = None
) -> None:
    """For pieces without a row: of what is open at a point, or begins from it until another."""
    todo = np.flatnonzero(rows < 0)
    if not len(todo) or not len(tier):
        return
    if until_ns is None:
        found = tier.oldest(at_ns[todo])
    else:
        found = tier.first_within(at_ns[todo], until_ns[todo])
    rows[todo[found >= 0]] = tier.row[found[found >= 0]]
