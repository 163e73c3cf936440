"""Arithmetic on interval sets: union, intersection, difference, coverage.

To work on many owners (steps, requests) at once, ``Lanes`` puts the time of every owner side by
side on one axis, so that one sorted set holds the intervals of all owners.

Everything is O(n log n) in the number of endpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.sweep import SETS_MAX, Codes, Held, coded, slices
from diag.errors import InputError
from diag.model.events import Bools, Int64s, Ints
from diag.model.intervals import IntervalSet

EMPTY = IntervalSet(np.empty(0, np.int64), np.empty(0, np.int64))


def union(start: Int64s, end: Int64s) -> IntervalSet:
    """The set covered by any of these intervals, which may overlap and need no order.

    Empty and reversed intervals cover nothing; touching intervals are joined. Intervals that are
    sorted and disjoint already are not copied: the set then holds the arguments themselves.
    """
    keep = end > start
    if not keep.all():
        start, end = start[keep], end[keep]
    if not len(start):
        return EMPTY
    if not (start[1:] >= start[:-1]).all():
        order = np.argsort(start, kind="stable")
        start, end = start[order], end[order]
    if (start[1:] > end[:-1]).all():
        return IntervalSet(start, end)
    reach = np.maximum.accumulate(end)
    first = np.append(True, start[1:] > reach[:-1])
    last = np.append(first[1:], True)
    return IntervalSet(start[first], reach[last])


def merge(*sets: IntervalSet) -> IntervalSet:
    """The union of sets."""
    filled = [s for s in sets if len(s)]
    if len(filled) > SETS_MAX:
        return union(
            np.concatenate([s.start_ns for s in filled]), np.concatenate([s.end_ns for s in filled])
        )
    if len(filled) > 1:
        return _where(filled, lambda held: held != 0)
    return filled[0] if filled else EMPTY


def touching(a: IntervalSet, low: int, high: int) -> IntervalSet:
    """The intervals that reach into a span, uncut and not copied."""
    first = int(np.searchsorted(a.end_ns, low, side="right"))
    last = int(np.searchsorted(a.start_ns, high, side="left"))
    return IntervalSet(a.start_ns[first:last], a.end_ns[first:last])


def clip(a: IntervalSet, low: int, high: int) -> IntervalSet:
    """The part of the set inside a span; not copied if no interval needs cutting."""
    near = touching(a, low, high)
    start, end = near.start_ns, near.end_ns
    if not len(start) or (start[0] >= low and end[-1] <= high):
        return near
    return union(np.clip(start, low, high), np.clip(end, low, high))


def covered_before(a: IntervalSet, at: Int64s) -> Int64s:
    """(n,) length of the set before each point; the difference of two is that of a span."""
    start, end = a.start_ns, a.end_ns
    if not len(start):
        return np.zeros(len(at), np.int64)
    done = np.concatenate(([0], np.cumsum(end - start)))
    index = np.searchsorted(start, at, side="right")
    inside = np.maximum(index - 1, 0)
    overhang = np.where(index > 0, np.maximum(end[inside] - at, 0), 0)
    return np.asarray(done[index] - overhang, np.int64)


def covered_between(a: IntervalSet, start: Int64s, end: Int64s) -> Int64s:
    """(n,) length of the set within each span; 0 for reversed spans."""
    return np.asarray(np.maximum(covered_before(a, end) - covered_before(a, start), 0), np.int64)


def is_covered(a: IntervalSet, at: Int64s) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) whether each point lies in the set (half-open)."""
    start, end = a.start_ns, a.end_ns
    if not len(start):
        return np.zeros(len(at), np.bool_)
    index = np.searchsorted(start, at, side="right") - 1
    return (index >= 0) & (end[np.maximum(index, 0)] > at)


def subtract(a: IntervalSet, b: IntervalSet) -> IntervalSet:
    """The part of ``a`` outside ``b``."""
    if not len(a) or not len(b):
        return a
    return _where([a, b], lambda held: held == 1)


def intersect(a: IntervalSet, b: IntervalSet) -> IntervalSet:
    """The part of ``a`` inside ``b``, cut at the edges of both."""
    if not len(a) or not len(b):
        return EMPTY
    return _where([a, b], lambda held: held == 3)


def _where(sets: list[IntervalSet], is_in: Callable[[Held], Bools]) -> IntervalSet:
    def judge(held: Held) -> Codes:
        code: Codes = np.where(is_in(held), np.int8(0), np.int8(-1))
        return code

    start, end, _ = coded(sets, judge)
    return IntervalSet(start, end)


def at_least(start: Int64s, end: Int64s, depth: int) -> IntervalSet:
    """Where at least ``depth`` (>= 1) of these intervals overlap."""
    if len(start) < depth:
        return EMPTY
    at = np.concatenate((start, end))
    step = np.concatenate((np.ones(len(start), np.int64), -np.ones(len(end), np.int64)))
    order = np.lexsort((step, at))  # ends before starts: touching intervals do not overlap
    at, level = at[order], np.cumsum(step[order])
    deep = level[:-1] >= depth
    return union(at[:-1][deep], at[1:][deep])


@dataclass(frozen=True, slots=True)
class Lanes:
    """The time of many owners on one axis: owner ``i`` at ``t`` is ``i * stride + t - base``.

    Attributes:
        base_ns: Earliest time of any owner.
        stride_ns: Length of each owner's part of the axis.
    """

    base_ns: int
    stride_ns: int

    @staticmethod
    def over(start_ns: Int64s, end_ns: Int64s) -> Lanes:
        """Lanes for owners with these spans. Times outside must be clipped first.

        Raises:
            InputError: The spans are too long and too many for positions of 63 bits.
        """
        if not len(start_ns):
            return Lanes(0, 2)
        base = int(start_ns.min())
        stride = int(end_ns.max()) - base + 2
        if stride * (len(start_ns) + 1) >= 2**62:
            raise InputError(
                f"{len(start_ns)} intervals over {stride / 1e9:.0f} s are too many to analyse",
                hint="capture a shorter window",
            )
        return Lanes(base, stride)

    def lay(
        self, owner: Ints, start_ns: Int64s, end_ns: Int64s, low_ns: Int64s, high_ns: Int64s
    ) -> IntervalSet:
        """The set of these intervals, each clipped to its owner's span.

        Args:
            owner: (n,) owner of each interval.
            start_ns: (n,) its begin.
            end_ns: (n,) its end.
            low_ns: (owners,) begin of each owner's span.
            high_ns: (owners,) end of it.
        """
        begin, stop = np.empty(len(owner), np.int64), np.empty(len(owner), np.int64)
        for some in slices(len(owner)):
            mine = owner[some]
            low, high = low_ns[mine], high_ns[mine]
            begin[some] = self.place(mine, np.clip(start_ns[some], low, high))
            stop[some] = self.place(mine, np.clip(end_ns[some], low, high))
        return union(begin, stop)

    def place(self, owner: Ints, at_ns: Int64s) -> Int64s:
        """(n,) positions on the common axis."""
        # An owner may be a narrow integer.
        placed = np.multiply(owner, self.stride_ns, dtype=np.int64)
        placed += at_ns
        placed -= self.base_ns
        return placed

    def owner(self, position: Int64s) -> Int64s:
        """(n,) owner of each position."""
        return np.asarray(position // self.stride_ns, np.int64)

    def time(self, position: Int64s) -> Int64s:
        """(n,) time of each position, ns."""
        return np.asarray(position % self.stride_ns + self.base_ns, np.int64)
