"""Interval arithmetic against sets of integer ticks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diag.analysis.intervals import sets
from diag.analysis.intervals.tiling import Layer, tile
from diag.model.events import Int64s
from diag.model.intervals import IntervalSet

TICKS = 24
Spans = list[tuple[int, int]]

tick = st.integers(-2, TICKS)
spans = st.lists(st.tuples(tick, tick), max_size=8)


def columns(of: Spans) -> tuple[Int64s, Int64s]:
    return (
        np.array([start for start, _ in of], np.int64),
        np.array([end for _, end in of], np.int64),
    )


def ticks(of: Spans) -> set[int]:
    return {t for start, end in of for t in range(start, end)}


def covered(of: IntervalSet) -> set[int]:
    return ticks(list(zip(of.start_ns.tolist(), of.end_ns.tolist(), strict=True)))


def is_canonical(of: IntervalSet) -> bool:
    """Sorted, disjoint, joined where touching, nothing empty."""
    start, end = of.edges
    return bool((start < end).all() and (end[:-1] < start[1:]).all())


@given(spans)
def test_union_covers_what_any_interval_covers(a: Spans) -> None:
    joined = sets.union(*columns(a))
    assert covered(joined) == ticks(a)
    assert is_canonical(joined)
    assert joined.total_ns == len(ticks(a))


@given(spans, spans)
def test_set_operations_are_those_of_ticks(a: Spans, b: Spans) -> None:
    left, right = sets.union(*columns(a)), sets.union(*columns(b))
    for found, expected in (
        (sets.merge(left, right), ticks(a) | ticks(b)),
        (sets.intersect(left, right), ticks(a) & ticks(b)),
        (sets.subtract(left, right), ticks(a) - ticks(b)),
    ):
        assert covered(found) == expected
        assert is_canonical(found)


@given(spans, st.integers(1, 4))
def test_depth_counts_the_intervals_over_each_tick(a: Spans, depth: int) -> None:
    deep = {t for t in range(-2, TICKS) if sum(s <= t < e for s, e in a) >= depth}
    kept = [(s, e) for s, e in a if s < e]
    found = sets.at_least(*columns(kept), depth)
    assert covered(found) == deep
    assert is_canonical(found)


@given(spans, spans)
def test_coverage_of_spans_and_points(a: Spans, points: Spans) -> None:
    of = sets.union(*columns(a))
    start, end = columns(points)
    between = sets.covered_between(of, start, end).tolist()
    assert between == [len(ticks(a) & set(range(s, e))) for s, e in points]
    before = sets.covered_before(of, start).tolist()
    assert before == [len({t for t in ticks(a) if t < s}) for s, _ in points]
    assert sets.is_covered(of, start).tolist() == [s in ticks(a) for s, _ in points]


@st.composite
def layered(draw: st.DrawFn) -> tuple[Spans, list[tuple[int, list[tuple[int, int, int]]]]]:
    owners = draw(st.lists(st.tuples(tick, tick), min_size=1, max_size=4))
    owner = st.integers(0, len(owners) - 1)
    layer = st.tuples(st.integers(0, 3), st.lists(st.tuples(owner, tick, tick), max_size=6))
    few, many = st.lists(layer, max_size=4), st.lists(layer, min_size=16, max_size=20)
    return owners, draw(st.one_of(few, many))


@given(layered())
def test_tiling_gives_every_tick_to_the_first_layer_that_covers_it(
    case: tuple[Spans, list[tuple[int, list[tuple[int, int, int]]]]],
) -> None:
    owners, layers = case
    rest = 9
    expected = {
        (owner, t): next(
            (code for code, of in layers for o, s, e in of if o == owner and s <= t < e), rest
        )
        for owner, (start, end) in enumerate(owners)
        for t in range(start, end)
    }
    start, end = columns(owners)
    pieces = tile(
        start,
        end,
        [
            Layer(
                code,
                np.array([o for o, _, _ in of], np.int64),
                np.array([s for _, s, _ in of], np.int64),
                np.array([e for _, _, e in of], np.int64),
            )
            for code, of in layers
        ],
        rest,
    )
    found = [
        (owner, t, code)
        for owner, s, e, code in zip(
            pieces.owner.tolist(),
            pieces.start_ns.tolist(),
            pieces.end_ns.tolist(),
            pieces.code.tolist(),
            strict=True,
        )
        for t in range(s, e)
    ]
    assert found == sorted(found)
    assert {(owner, t): code for owner, t, code in found} == expected
    assert len(found) == len(expected)
    sums = pieces.sums_ns(len(owners), 10)
    assert sums.sum(axis=1).tolist() == [max(0, e - s) for s, e in owners]
