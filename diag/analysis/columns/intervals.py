"""Interval arithmetic on columns: the one place for it.

An interval set is a pair of int64 arrays (start, end), half-open, sorted by start and disjoint.
To work on many owners (steps, requests) at once, ``Lanes`` lays every owner's time out side by
side on one axis, so that a set for all owners is still one sorted set.

Everything is O(n log n) in the number of endpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.errors import InputError
from diag.model.events import Bools, Int64s

Set = tuple[Int64s, Int64s]

_SETS_MAX = 62  # bits of a signed integer, but for the sign and one to spare
_NARROW_BITS = 31

EMPTY: Set = (np.empty(0, np.int64), np.empty(0, np.int64))


def union(start: Int64s, end: Int64s) -> Set:
    """The set covered by any of these intervals, which may overlap and need no order.

    Empty and reversed intervals cover nothing; touching ones are joined.
    """
    keep = end > start
    start, end = start[keep], end[keep]
    if not len(start):
        return EMPTY
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    reach = np.maximum.accumulate(end)
    first = np.concatenate(([True], start[1:] > reach[:-1]))
    last = np.concatenate((first[1:], [True]))
    return start[first], reach[last]


def merge(*sets: Set) -> Set:
    """The union of sets."""
    return union(np.concatenate([s for s, _ in sets]), np.concatenate([e for _, e in sets]))


def total_ns(a: Set) -> int:
    """Length covered."""
    return int((a[1] - a[0]).sum())


def covered_before(a: Set, at: Int64s) -> Int64s:
    """How much of the set lies before each point: differences of it measure any span."""
    start, end = a
    if not len(start):
        return np.zeros(len(at), np.int64)
    done = np.concatenate(([0], np.cumsum(end - start)))
    index = np.searchsorted(start, at, side="right")
    inside = np.maximum(index - 1, 0)
    overhang = np.where(index > 0, np.maximum(end[inside] - at, 0), 0)
    return np.asarray(done[index] - overhang, np.int64)


def covered_between(a: Set, start: Int64s, end: Int64s) -> Int64s:
    """Length of the set within each span; 0 for reversed spans."""
    return np.asarray(np.maximum(covered_before(a, end) - covered_before(a, start), 0), np.int64)


def is_covered(a: Set, at: Int64s) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each point lies in the set (half-open)."""
    start, end = a
    if not len(start):
        return np.zeros(len(at), np.bool_)
    index = np.searchsorted(start, at, side="right") - 1
    return (index >= 0) & (end[np.maximum(index, 0)] > at)


def subtract(a: Set, b: Set) -> Set:
    """What of ``a`` is not in ``b``."""
    return _select(a, b, inside=False)


def intersect(a: Set, b: Set) -> Set:
    """What of ``a`` is in ``b``, cut at the edges of both."""
    return _select(a, b, inside=True)


def distinct(*values: Int64s) -> Int64s:
    """All values, ascending, each once; sorts, which beats ``np.unique``'s hashing tenfold here.

    A stable sort, which merges values that come sorted in nearly linear time.
    """
    ordered = np.sort(np.concatenate(values), kind="stable")
    if len(ordered):
        ordered = ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
    return ordered


def sweep(sets: list[Set]) -> tuple[Int64s, NDArray[np.signedinteger]]:
    """All edges in order, each once, and which sets hold from each to the next: bit i for set i.

    Raises:
        ValueError: There are more sets than bits.
    """
    if len(sets) > _SETS_MAX:
        raise ValueError(f"{len(sets)} sets, at most {_SETS_MAX} can be told apart")
    at = np.concatenate([edges for s in sets for edges in s])
    lengths = [len(edges) for s in sets for edges in s]
    bits = [sign << i for i in range(len(sets)) for sign in (1, -1)]
    # Each set comes sorted: a stable sort merges such runs in nearly linear time.
    order = np.argsort(at, kind="stable")
    narrow = np.int32 if len(sets) < _NARROW_BITS else np.int64  # half the memory to go through
    held = np.repeat(np.array(bits, narrow), lengths)[order]
    np.cumsum(held, out=held)
    at = at[order]
    last = np.flatnonzero(np.concatenate((differs(at), np.ones(min(len(at), 1), np.bool_))))
    return at[last], held[last]


def differs(values: NDArray[np.integer]) -> Bools:
    """(n - 1,) whether each value differs from the next."""
    return np.asarray(values[1:] != values[:-1], np.bool_)


def _select(a: Set, b: Set, *, inside: bool) -> Set:
    cuts, held = sweep([a, b])
    kept = held == (3 if inside else 1)
    begins, ends = kept.copy(), kept.copy()
    begins[1:] &= ~kept[:-1]
    ends[:-1] &= ~kept[1:]
    return cuts[begins], cuts[np.flatnonzero(ends) + 1]


def at_least(start: Int64s, end: Int64s, depth: int) -> Set:
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
    """Owners laid out side by side: owner ``i`` at time ``t`` sits at ``i * stride + t - base``."""

    base_ns: int
    stride_ns: int

    @staticmethod
    def over(start_ns: Int64s, end_ns: Int64s) -> Lanes:
        """Lanes for owners with these spans; times outside all of them must be clipped first.

        Raises:
            InputError: The spans are so long and many that their product leaves 63 bits.
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

    def place(self, owner: Int64s, at_ns: Int64s) -> Int64s:
        """Positions on the common axis."""
        return np.asarray(owner * self.stride_ns + (at_ns - self.base_ns), np.int64)

    def owner(self, position: Int64s) -> Int64s:
        """Owner of each position."""
        return np.asarray(position // self.stride_ns, np.int64)

    def time(self, position: Int64s) -> Int64s:
        """Time of each position, ns."""
        return np.asarray(position % self.stride_ns + self.base_ns, np.int64)
