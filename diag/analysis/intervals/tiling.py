"""Cut spans of owners into disjoint pieces that add up to the spans exactly.

A piece has a code: the index of a stage for a request's time, of a cause for idle time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.intervals.sets import Lanes, clip, union
from diag.analysis.intervals.sweep import Codes, Held, coded, slices
from diag.model.events import Bools, Int32s, Int64s, Ints
from diag.model.intervals import IntervalSet

_TABLE_BITS = 16  # up to here a table of all combinations fits the cache


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Coded intervals of many owners, ordered by owner, then start; an owner's are disjoint.

    Attributes:
        owner: (n,) int32.
        start_ns: (n,) int64.
        end_ns: (n,) int64.
        code: (n,) int8.
    """

    owner: Int32s
    start_ns: Int64s
    end_ns: Int64s
    code: NDArray[np.int8]

    def sums_ns(self, owners: int, codes: int) -> NDArray[np.int64]:
        """(owners, codes) int64: time of each owner under each code."""
        out = np.zeros((owners, codes), np.int64)
        for some in slices(len(self.owner)):
            # Pieces are ordered by owner, so that a slice has few owners.
            first, last = int(self.owner[some.start]), int(self.owner[some.stop - 1])
            cell = (self.owner[some] - np.int64(first)) * codes + self.code[some]
            length = self.end_ns[some] - self.start_ns[some]
            # float64 weights are exact, since no sum of a day's nanoseconds reaches 2**53.
            sums = np.bincount(cell, weights=length, minlength=(last + 1 - first) * codes)
            out[first : last + 1] += sums.astype(np.int64).reshape(-1, codes)
        return out

    def covering(self, code: int, owners: Bools | None = None) -> IntervalSet:
        """When any owner, or any owner in the mask ``owners``, has a piece of this code."""
        wanted = self.code == code
        if owners is not None:
            wanted &= owners[self.owner]
        return union(self.start_ns[wanted], self.end_ns[wanted])


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Intervals of owners that get a code, and may overlap; the code -1 gives no piece.

    Attributes:
        code: The code of the pieces.
        owner: (n,) owner of each interval.
        start_ns: (n,).
        end_ns: (n,).
    """

    code: int
    owner: Ints
    start_ns: Int64s
    end_ns: Int64s

    def plus(self, other: Layer) -> Layer:
        """Both layers as one, with the code of this one."""
        return Layer(
            self.code,
            np.concatenate((self.owner, other.owner)),
            np.concatenate((self.start_ns, other.start_ns)),
            np.concatenate((self.end_ns, other.end_ns)),
        )


def tile(start_ns: Int64s, end_ns: Int64s, layers: Iterable[Layer], rest: int) -> Pieces:
    """Tile the span of each owner: every instant goes to the first layer that covers it.

    ::

        span     |------------------------------|
        layer 0      |aaaa|          |aa|
        layer 1  |bbbbbbbbbbbb|
        result   |bbb|aaaa|bbb|rrrrrr|aa|rrrrrrr|

    Args:
        start_ns: (n,) spans of the owners 0..n-1.
        end_ns: (n,) half-open; a reversed span has no pieces.
        layers: In order of precedence, clipped to their owner's span. From a generator, each layer
            is released before the next one is made.
        rest: The code where no layer covers the span.
    """
    lanes = Lanes.over(start_ns, end_ns)
    owners = np.arange(len(start_ns), dtype=np.int64)
    sets: list[IntervalSet] = []
    codes: list[int] = []
    for layer in layers:
        sets.append(lanes.lay(layer.owner, layer.start_ns, layer.end_ns, start_ns, end_ns))
        codes.append(layer.code)
        del layer  # releases it before the next one is made
    sets.append(
        union(lanes.place(owners, start_ns), lanes.place(owners, np.maximum(start_ns, end_ns)))
    )
    start, end, code = _cut(sets, codes, rest)
    # Parts of the axis do not touch, so that no piece spans two owners.
    owner = np.empty(len(start), np.int32)
    for some in slices(len(start)):
        owner[some] = lanes.owner(start[some])
        offset = lanes.place(owner[some], np.zeros(1, np.int64))
        start[some] -= offset
        end[some] -= offset
    return Pieces(owner, start, end, code)


def tile_span(
    low_ns: int, high_ns: int, layers: list[tuple[int, IntervalSet]], rest: int
) -> tuple[Int64s, Int64s, Codes]:
    """(n,) start, end and code of the pieces of one span; layers are codes with their sets."""
    sets = [clip(covered, low_ns, high_ns) for _, covered in layers]
    sets.append(union(np.array([low_ns]), np.array([high_ns])))
    return _cut(sets, [code for code, _ in layers], rest)


def _cut(sets: list[IntervalSet], codes: list[int], rest: int) -> tuple[Int64s, Int64s, Codes]:
    """Cut what the last set covers, each piece with the code of the first other set over it."""
    return coded(sets, lambda held: _first_code(held, codes, rest))


def _first_code(held: Held, codes: list[int], rest: int) -> Codes:
    """The code of the lowest bit that is set; ``rest`` for the bit after all codes, -1 for none."""
    order = np.array([*codes, rest], np.int8)
    if len(order) <= _TABLE_BITS:
        every = np.arange(1 << len(order))
        table = np.full(len(every), -1, np.int8)
        for i in range(len(order) - 1, -1, -1):
            table[every >> i & 1 == 1] = order[i]
        return np.asarray(table[held], np.int8)
    lowest = np.frexp((held & -held).astype(np.float64))[1] - 1
    return np.asarray(np.where(held > 0, order[lowest], -1), np.int8)
