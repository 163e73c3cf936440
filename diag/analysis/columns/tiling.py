"""Cut owners' spans into pieces that do not overlap and add up to them exactly.

A piece carries a code: the index of a stage for a request's time, of a cause for idle time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.columns.intervals import Lanes, Set, differs, sweep, union
from diag.model.events import Bools, Int64s

_TABLE_BITS = 16  # a table of all combinations fits the cache


@dataclass(frozen=True, slots=True)
class Pieces:
    """Coded intervals of many owners, ordered by owner, then start; an owner's are disjoint.

    Attributes:
        owner: (n,) int64.
        start_ns: (n,) int64.
        end_ns: (n,) int64.
        code: (n,) int64.
    """

    owner: Int64s
    start_ns: Int64s
    end_ns: Int64s
    code: Int64s

    def sums_ns(self, owners: int, codes: int) -> NDArray[np.int64]:
        """(owners, codes) int64: time of each owner under each code."""
        cell = self.owner * codes + self.code
        # Weights are float64: exact, since no sum of a day's nanoseconds reaches 2**53.
        sums = np.bincount(cell, weights=self.end_ns - self.start_ns, minlength=owners * codes)
        return sums.astype(np.int64).reshape(owners, codes)

    def covering(self, code: int, owners: Bools | None = None) -> Set:
        """The set of times at which any owner (or any of ``owners``) is under this code."""
        wanted = self.code == code
        if owners is not None:
            wanted &= owners[self.owner]
        return union(self.start_ns[wanted], self.end_ns[wanted])


@dataclass(frozen=True, slots=True)
class Layer:
    """Intervals of owners, overlapping or not, that claim a code."""

    code: int
    owner: Int64s
    start_ns: Int64s
    end_ns: Int64s

    def plus(self, other: Layer) -> Layer:
        """Both as one layer; the code is this one's."""
        return Layer(
            self.code,
            np.concatenate((self.owner, other.owner)),
            np.concatenate((self.start_ns, other.start_ns)),
            np.concatenate((self.end_ns, other.end_ns)),
        )


def tile(start_ns: Int64s, end_ns: Int64s, layers: list[Layer], rest: int) -> Pieces:
    """Tile the span of each owner: every instant goes to the first layer that covers it.

    ::

        span     |------------------------------|
        layer 0      |aaaa|          |aa|
        layer 1  |bbbbbbbbbbbb|
        result   |bbb|aaaa|bbb|rrrrrr|aa|rrrrrrr|

    Args:
        start_ns: (n,) spans of the owners 0..n-1.
        end_ns: (n,) half-open; a reversed span has no pieces.
        layers: In order of precedence; clipped to their owner's span.
        rest: The code of what no layer covers.
    """
    lanes = Lanes.over(start_ns, end_ns)
    owners = np.arange(len(start_ns), dtype=np.int64)
    span = (lanes.place(owners, start_ns), lanes.place(owners, np.maximum(start_ns, end_ns)))
    sets = [_clip(layer, start_ns, end_ns, lanes) for layer in layers]
    cuts, held = sweep([*sets, union(*span)])
    code = _first_code(held, [layer.code for layer in layers], rest)
    # Owners lie apart, so that pieces which touch are of one owner.
    begin = np.flatnonzero(np.concatenate((np.ones(min(len(code), 1), np.bool_), differs(code))))
    begin, end = begin[:-1], begin[1:]  # nothing holds after the last edge
    code = code[begin]
    covered = code >= 0
    start, stop = cuts[begin[covered]], cuts[end[covered]]
    owner = lanes.owner(start)
    at_ns = start - lanes.place(owner, np.zeros(1, np.int64))
    return Pieces(owner, at_ns, at_ns + (stop - start), code[covered].astype(np.int64))


def _first_code(held: NDArray[np.signedinteger], codes: list[int], rest: int) -> NDArray[np.int32]:
    """The code of the lowest bit set, ``rest`` if that is the one after all codes, -1 without."""
    order = np.array([*codes, rest], np.int32)
    if len(order) <= _TABLE_BITS:
        every = np.arange(1 << len(order))
        table = np.full(len(every), -1, np.int32)
        for i in range(len(order) - 1, -1, -1):
            table[every >> i & 1 == 1] = order[i]
        return np.asarray(table[held], np.int32)
    lowest = np.frexp((held & -held).astype(np.float64))[1] - 1
    return np.asarray(np.where(held > 0, order[lowest], -1), np.int32)


def _clip(layer: Layer, start_ns: Int64s, end_ns: Int64s, lanes: Lanes) -> Set:
    low, high = start_ns[layer.owner], end_ns[layer.owner]
    start = np.clip(layer.start_ns, low, high)
    end = np.clip(layer.end_ns, low, high)
    return union(lanes.place(layer.owner, start), lanes.place(layer.owner, end))
