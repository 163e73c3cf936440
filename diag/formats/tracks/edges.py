"""Begins and ends of the slices of one track in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.model.events import Bools, Int64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The begin of every slice and, of all but marks, its end, in order.

    At one time ends come before begins, inner slices end first and outer ones begin first.

    Attributes:
        row: (m,) slice.
        is_end: (m,) whether it is the slice's end.
        depth: (m,) number of slices open while the slice is, itself included; for marks, those
            around it.
    """

    row: Ints
    is_end: Bools
    depth: Ints

    def __len__(self) -> int:
        return len(self.row)

    def part(self, places: slice) -> Edges:
        """Some of them, in the same order."""
        return Edges(self.row[places], self.is_end[places], self.depth[places])


def edges_of(start_ns: Int64s, end_ns: Int64s) -> Edges:
    """The edges of slices that are ordered by (start, longest first).

    Args:
        start_ns: (n,) ascending.
        end_ns: (n,) half-open; equals the start for marks.
    """
    n = len(start_ns)
    spans = np.flatnonzero(end_ns > start_ns)
    # Of several that end at once the inner ones, which are the later rows, come first.
    backwards = spans[::-1]
    closing = backwards[np.argsort(end_ns[backwards], kind="stable")]
    closed_ns = end_ns[closing]
    begin_at = np.arange(n) + np.searchsorted(closed_ns, start_ns, side="right")
    end_at = np.arange(len(closing)) + np.searchsorted(start_ns, closed_ns, side="left")
    row = np.empty(n + len(closing), np.int64)
    is_end = np.zeros(len(row), np.bool_)
    row[begin_at], row[end_at] = np.arange(n), closing
    is_end[end_at] = True
    step = np.where(is_end, -1, 1).astype(np.int8)
    step[begin_at[end_ns == start_ns]] = 0
    depth = np.cumsum(step, dtype=np.int32)
    depth[is_end] += 1
    return Edges(row, is_end, depth)


def nest(edges: Edges, start_ns: Int64s, end_ns: Int64s) -> bool:
    """Whether any two slices nest or do not touch, so that a stack of open slices holds them.

    Of each depth, every begin is then followed by the end of the same slice.
    """
    is_span = (end_ns > start_ns)[edges.row]
    row, is_end, depth = edges.row[is_span], edges.is_end[is_span], edges.depth[is_span]
    order = np.argsort(depth, kind="stable")
    row, is_end = row[order], is_end[order]
    return bool(np.array_equal(row[~is_end], row[is_end]))
