"""The order of begins and ends on one track."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diag.formats.tracks.edges import edges_of, nest


def told(*slices: tuple[int, int]) -> str:
    """``+0`` for the begin of slice 0, ``-0`` for its end, ``.0`` for a mark; depth behind it."""
    start, end = (np.array(column, np.int64) for column in zip(*slices, strict=True))
    edges = edges_of(start, end)
    signs = [
        "-" if is_end else "." if start[row] == end[row] else "+"
        for row, is_end in zip(edges.row, edges.is_end, strict=True)
    ]
    return " ".join(f"{s}{r}@{d}" for s, r, d in zip(signs, edges.row, edges.depth, strict=True))


def does_nest(*slices: tuple[int, int]) -> bool:
    start, end = (np.array(column, np.int64) for column in zip(*slices, strict=True))
    return nest(edges_of(start, end), start, end)


def test_inner_slices_lie_between_the_edges_of_outer_ones() -> None:
    assert told((0, 9), (1, 4), (5, 8)) == "+0@1 +1@2 -1@2 +2@2 -2@2 -0@1"


def test_what_ends_comes_before_what_begins_at_the_same_time() -> None:
    assert told((0, 4), (4, 8)) == "+0@1 -0@1 +1@1 -1@1"


def test_of_equal_begins_the_outer_one_and_of_equal_ends_the_inner_one_is_first() -> None:
    assert told((0, 9), (0, 5), (3, 5)) == "+0@1 +1@2 +2@3 -2@3 -1@2 -0@1"


def test_a_mark_has_one_edge_after_the_end_of_what_it_touches() -> None:
    assert told((0, 4), (2, 2), (4, 4), (4, 8)) == "+0@1 .1@1 -0@1 .2@0 +3@1 -3@1"


def test_slices_that_overlap_without_nesting_are_told() -> None:
    assert does_nest((0, 9), (1, 4), (4, 9), (5, 5))
    assert not does_nest((0, 5), (3, 8))
    assert not does_nest((0, 9), (1, 6), (2, 7))
    assert nest(edges_of(*[np.empty(0, np.int64)] * 2), *[np.empty(0, np.int64)] * 2)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12))
def test_a_stack_agrees(pairs: list[tuple[int, int]]) -> None:
    slices = sorted((min(p), max(p)) for p in pairs)
    slices.sort(key=lambda each: (each[0], -each[1]))
    start = np.array([s for s, _ in slices], np.int64)
    end = np.array([e for _, e in slices], np.int64)
    edges = edges_of(start, end)
    times = np.where(edges.is_end, end[edges.row], start[edges.row])
    assert (np.diff(times) >= 0).all()
    stack: list[int] = []
    agrees = True
    for row, is_end in zip(edges.row.tolist(), edges.is_end.tolist(), strict=True):
        if is_end:
            agrees &= stack.pop() == row
        elif start[row] < end[row]:
            stack.append(row)
    assert not stack
    assert nest(edges, start, end) == agrees
