"""Sorts the events of a plane in place into the order that EventTable requires.

Servers write most lines in order, so usually this only checks. Other lines are sorted in chunks of
whole lines, which needs little memory for large planes and few steps for many small lines.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.trace import _xspace
    from diag.model.events import Bools, Int32s, Int64s, Ints

CHUNK_EVENTS = 1 << 16


def order_events(plane: _xspace.RawPlane) -> None:
    """Order a plane's columns by (line, start, longest first); equal events keep file order.

    Args:
        plane: A plane as decoded: its events are grouped by line.
    """
    ordered = _is_ordered_after(plane)
    if ordered.all():
        return
    for low, high in _chunks_of_lines(plane):
        if not ordered[low : high - 1].all():
            _sort(plane, low, high)


def _is_ordered_after(plane: _xspace.RawPlane) -> Bools:
    """Shape (n - 1,): whether each event after the first is in order after the one before."""
    start_ns, end_ns, line = plane.start_ns, plane.end_ns, plane.line_index
    ordered: Bools = start_ns[1:] > start_ns[:-1]
    ordered |= (start_ns[1:] == start_ns[:-1]) & (end_ns[1:] <= end_ns[:-1])
    ordered |= line[1:] > line[:-1]
    return ordered


def _chunks_of_lines(plane: _xspace.RawPlane) -> Iterator[tuple[int, int]]:
    """Half-open ranges of rows that cover the plane; a line is never split."""
    line = plane.line_index
    begins = np.concatenate(([0], np.flatnonzero(line[1:] != line[:-1]) + 1, [len(line)]))
    wanted = np.arange(0, len(line), CHUNK_EVENTS)
    bounds = [*np.unique(begins[np.searchsorted(begins, wanted)]).tolist(), len(line)]
    for low, high in pairwise(bounds):
        if low < high:
            yield low, high


def _sort(plane: _xspace.RawPlane, low: int, high: int) -> None:
    here = slice(low, high)
    order = np.lexsort((-plane.end_ns[here], plane.start_ns[here], plane.line_index[here]))
    for times in (plane.start_ns, plane.end_ns):
        times[here] = times[here][order]
    plane.name_id[here] = plane.name_id[here][order]
    moved_to = np.empty(high - low, np.int64)
    moved_to[order] = np.arange(low, high)
    for rows, values in plane.columns.values():
        first, last = np.searchsorted(rows, (low, high))
        _move(rows[first:last], values[first:last], moved_to, low)


def _move(rows: Int32s, values: Ints, moved_to: Int64s, low: int) -> None:
    moved = moved_to[rows - low]
    ascending = np.argsort(moved, kind="stable")
    rows[:] = moved[ascending]
    values[:] = values[ascending]
