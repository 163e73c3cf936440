"""Which event encloses which on one line, as a search over row numbers.

An EventTable is ordered by (line, start, longest first). So an event that encloses row ``r`` comes
before it, and of one kind the innermost is the nearest one before ``r`` that ends late enough.
"""

from __future__ import annotations

import numpy as np

from diag.model.events import EventTable, Int64s, Ints


def innermost(events: EventTable, outer: Ints, inner: Ints) -> Int64s:
    """(n,) position in ``outer`` of the innermost event that encloses each ``inner`` row, or -1.

    Args:
        events: The table both index.
        outer: Ascending rows of the candidates.
        inner: (n,) rows whose enclosing event is wanted.
    """
    if not len(outer):
        return np.full(len(inner), -1, np.int64)
    # With the same dtype, as the search would otherwise copy all candidates.
    candidate = np.searchsorted(outer, inner.astype(outer.dtype, copy=False), side="right") - 1
    end, outer_end = events.end_ns[inner], events.end_ns[outer]
    short = np.flatnonzero((candidate >= 0) & (outer_end[np.maximum(candidate, 0)] < end))
    if len(short):
        above = _enclosing_siblings(events, outer)
        candidate[short] = _climb(candidate[short], end[short], above, outer_end)
    seen = np.maximum(candidate, 0)
    same_line = events.line_index[outer[seen]] == events.line_index[inner]
    return np.where((candidate >= 0) & same_line, candidate, -1)


def _climb(start: Int64s, end_ns: Int64s, above: Int64s, outer_end_ns: Int64s) -> Int64s:
    """From each start go up through the enclosing events to the first that ends late enough, or -1.

    On the way up, ends never decrease. So strides of powers of two find it in logarithmic time,
    also in a file with very deep nesting.
    """
    strides = [above]
    while (strides[-1] >= 0).any():
        last = strides[-1]
        strides.append(np.where(last >= 0, last[np.maximum(last, 0)], -1))
    at = start
    for stride in reversed(strides):
        further = stride[at]
        jump = (further >= 0) & (outer_end_ns[np.maximum(further, 0)] < end_ns)
        at = np.where(jump, further, at)
    return np.where(outer_end_ns[at] < end_ns, above[at], at)


def _enclosing_siblings(events: EventTable, rows: Ints) -> Int64s:
    """(rows,) position of the innermost other row that encloses each row, or -1.

    Serving events of one kind rarely nest, so that the common case is one pass of array
    operations. Lines where they do nest are walked with a stack.
    """
    above = np.full(len(rows), -1, np.int64)
    line, start, end = events.line_index[rows], events.start_ns[rows], events.end_ns[rows]
    same_line = line[1:] == line[:-1]
    overlaps = np.flatnonzero(same_line & (start[1:] < end[:-1])) + 1
    for affected in np.unique(line[overlaps]):
        stack: list[int] = []
        for i in range(*np.searchsorted(line, [affected, affected + 1]).tolist()):
            while stack and end[stack[-1]] < end[i]:
                stack.pop()
            above[i] = stack[-1] if stack else -1
            stack.append(i)
    return above


def first_inside(parent: Int64s, parents: int) -> Int64s:
    """(parents,) position of the first child of each, children in row order; -1 without children.

    Args:
        parent: (k,) position of each child's parent, or -1.
        parents: Number of parents.
    """
    first = np.full(parents, -1, np.int64)
    children = np.flatnonzero(parent >= 0)[::-1]
    first[parent[children]] = children
    return first


def last_inside(parent: Int64s, parents: int) -> Int64s:
    """(parents,) position of the last child of each, children in row order; -1 without children."""
    last = np.full(parents, -1, np.int64)
    children = np.flatnonzero(parent >= 0)
    last[parent[children]] = children
    return last
