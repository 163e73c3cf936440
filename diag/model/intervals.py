"""A set of times as columns, and the one value for a time that never comes."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.events import Bools, Int64s, Ints

# Later than any event of a trace; the sum of two still fits int64. Its negative is before any.
NEVER_NS = (1 << 62) - 1


@dataclass(frozen=True, slots=True, eq=False)
class IntervalSet:
    """Half-open intervals ``[start, end)``, sorted by start and disjoint.

    Sets compare by identity: the arrays of two may be large, or one array shared by both.
    ``diag.analysis.intervals.sets`` makes sets and combines them.

    Attributes:
        start_ns: (n,) int64, ascending.
        end_ns: (n,) int64, each greater than its start and at most the next start.
    """

    start_ns: Int64s
    end_ns: Int64s

    def __len__(self) -> int:
        return len(self.start_ns)

    def __repr__(self) -> str:
        return f"IntervalSet({len(self)} intervals, {self.total_ns} ns)"

    @property
    def total_ns(self) -> int:
        """Length covered, ns."""
        return int((self.end_ns - self.start_ns).sum())

    @property
    def edges(self) -> tuple[Int64s, Int64s]:
        """``(start_ns, end_ns)``, not copied."""
        return self.start_ns, self.end_ns

    def where(self, chosen: Bools | Ints) -> IntervalSet:
        """Those intervals that a mask or ascending positions select."""
        return IntervalSet(self.start_ns[chosen], self.end_ns[chosen])
