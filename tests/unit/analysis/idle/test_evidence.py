"""Which of many events shows a piece: stabbing over columns against a search through all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diag.analysis.idle.causes.evidence_events import EvidenceEvents, best_rows

Span = tuple[int, int]
spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=12).map(
    lambda pairs: [(begin, begin + length) for begin, length in pairs]
)


def evidence(of: list[Span], first_row: int = 100) -> EvidenceEvents:
    start, end = np.array(of, np.int64).reshape(-1, 2).T
    return EvidenceEvents(start, end, np.arange(len(of)) + first_row)


@given(spans, st.lists(st.integers(-1, 45), max_size=10))
def test_the_oldest_that_covers_a_point_is_found(of: list[Span], points: list[int]) -> None:
    found = evidence(of).oldest(np.array(points, np.int64)).tolist()
    for point, position in zip(points, found, strict=True):
        covering = [begin for begin, end in of if begin <= point < end]
        if position < 0:
            assert not covering
        else:
            begin, end = of[position]
            assert begin == min(covering)
            assert begin <= point < end


@given(spans, spans)
def test_the_first_to_begin_in_a_span_is_found(of: list[Span], pieces: list[Span]) -> None:
    start, end = np.array(pieces, np.int64).reshape(-1, 2).T
    found = evidence(of).first_within(start, end).tolist()
    for (low, high), position in zip(pieces, found, strict=True):
        begins = [begin for begin, _ in of if low <= begin < high]
        assert (of[position][0] == min(begins)) if position >= 0 else not begins


def best(*tiers: list[Span], piece: Span) -> int:
    numbered = tuple(evidence(tier, 100 * i) for i, tier in enumerate(tiers, 1))
    (row,) = best_rows(numbered, np.array([piece[0]]), np.array([piece[1]])).tolist()
    return int(row)


def test_the_best_kind_decides_then_the_middle_then_the_first_inside_then_the_begin() -> None:
    assert best([(0, 3)], [(4, 9)], piece=(2, 10)) == 200  # in the middle, of the lesser kind
    assert best([(8, 9)], [(4, 9)], piece=(2, 10)) == 100  # begins inside, of the better kind
    assert best([(0, 3)], [], piece=(2, 10)) == 100  # all there is: open at the begin
    assert best([(5, 7), (1, 8)], piece=(2, 10)) == 101  # the older of two
    assert best([(0, 2)], [(10, 12)], piece=(2, 10)) == -1
    assert best(piece=(2, 10)) == -1
