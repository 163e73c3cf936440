"""Lanes of slices that overlap."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diag.formats.tracks.edges import edges_of, nest
from diag.tracks.lanes import LANES_MAX, disjoint_lanes, nested_lanes

PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40)


def columns(*slices: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    ordered = sorted(slices, key=lambda each: (each[0], -each[1]))
    return (
        np.array([s for s, _ in ordered], np.int64),
        np.array([e for _, e in ordered], np.int64),
    )


def test_a_lane_is_used_again_when_it_is_free() -> None:
    assert disjoint_lanes(*columns((0, 5), (1, 3), (3, 8), (5, 6))).tolist() == [0, 1, 1, 0]


def test_slices_that_nest_need_one_lane() -> None:
    assert nested_lanes(*columns((0, 9), (1, 4), (4, 9), (5, 5))) is None


def test_slices_that_cross_are_put_on_the_next_lane() -> None:
    lanes = nested_lanes(*columns((0, 5), (3, 8), (4, 5), (8, 9)))
    assert lanes is not None
    assert lanes.tolist() == [0, 1, 0, 0]


def test_what_finds_no_lane_is_told() -> None:
    n = LANES_MAX + 3
    lanes = nested_lanes(*columns(*((i, 1000 + i) for i in range(n))))
    assert lanes is not None
    assert lanes.tolist() == [*range(LANES_MAX), -1, -1, -1]


@given(PAIRS)
def test_lanes_hold_what_they_promise(pairs: list[tuple[int, int]]) -> None:
    start, end = columns(*((min(p), max(p)) for p in pairs))
    lanes = nested_lanes(start, end)
    for each in [] if lanes is None else range(int(lanes.max()) + 1):
        mine = lanes == each
        assert nest(edges_of(start[mine], end[mine]), start[mine], end[mine])
    disjoint = disjoint_lanes(start, end)
    for each in range(int(disjoint.max(initial=-1)) + 1):
        mine = disjoint == each
        assert (start[mine][1:] >= end[mine][:-1]).all()
