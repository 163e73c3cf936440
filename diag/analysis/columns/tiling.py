"""Cut owners' spans into pieces that do not overlap and add up to them exactly.

A piece carries a code: the index of a stage for a request's time, of a cause for idle time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.columns.intervals import Lanes, Set, distinct, is_covered, union
from diag.model.events import Bools, Int64s


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
    cuts = distinct(*span, *(edge for s in sets for edge in s))
    start, end = cuts[:-1], cuts[1:]
    inside = is_covered(union(*span), start)
    start, end = start[inside], end[inside]
    code = np.full(len(start), rest, np.int64)
    for layer, covered in reversed(list(zip(layers, sets, strict=True))):
        code[is_covered(covered, start)] = layer.code
    begin = lanes.time(start)
    return _join(Pieces(lanes.owner(start), begin, begin + end - start, code))


def _clip(layer: Layer, start_ns: Int64s, end_ns: Int64s, lanes: Lanes) -> Set:
    low, high = start_ns[layer.owner], end_ns[layer.owner]
    start = np.clip(layer.start_ns, low, high)
    end = np.clip(layer.end_ns, low, high)
    return union(lanes.place(layer.owner, start), lanes.place(layer.owner, end))


def _join(pieces: Pieces) -> Pieces:
    """Join neighbours of one owner and code."""
    if not len(pieces.owner):
        return pieces
    same = (
        (pieces.owner[1:] == pieces.owner[:-1])
        & (pieces.code[1:] == pieces.code[:-1])
        & (pieces.start_ns[1:] == pieces.end_ns[:-1])
    )
    first = np.concatenate(([True], ~same))
    last = np.concatenate((~same, [True]))
    return Pieces(
        pieces.owner[first], pieces.start_ns[first], pieces.end_ns[last], pieces.code[first]
    )
