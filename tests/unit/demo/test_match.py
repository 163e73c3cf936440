from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.demo.match import Span, match_requests
from diag.demo.truth import RequestTruth

MS = 1_000_000


def truth(start: int, end: int, *, status: str = "OK") -> RequestTruth:
    """A call whose graph ran from 1 ms after its start to 1 ms before its end."""
    return RequestTruth("m", 1, status, start, start, end, start + MS, start + MS, end - MS)


def span(of: RequestTruth) -> Span:
    """What a profiler would have recorded of it."""
    return Span(of.run_start_unix_ns + MS // 4, of.run_end_unix_ns - MS // 4)


def test_requests_that_overlap_are_told_apart() -> None:
    truths = [truth(0, 50 * MS), truth(2 * MS, 40 * MS), truth(3 * MS, 60 * MS)]
    assert match_requests([span(t) for t in truths], truths) == [0, 1, 2]


def test_a_failed_request_and_one_elsewhere_match_nothing() -> None:
    truths = [truth(0, 10 * MS, status="UNAVAILABLE"), truth(100 * MS, 110 * MS)]
    assert match_requests([Span(MS // 4, 9 * MS)], truths) == [-1]


def test_a_span_that_outlasts_the_call_is_not_it() -> None:
    one = truth(0, 10 * MS)
    assert match_requests([Span(MS // 4, 11 * MS)], [one]) == [-1]


def test_the_nearest_is_given_up_if_only_so_both_find_one() -> None:
    # The first span fits both calls and is nearest to the one the second span needs.
    early, late = truth(0, 30 * MS), truth(5 * MS, 30 * MS)
    late = RequestTruth("m", 1, "OK", 5 * MS, 5 * MS, 30 * MS, 8 * MS, 8 * MS, 20 * MS)
    early = RequestTruth("m", 1, "OK", 0, 0, 30 * MS, 8 * MS, 8 * MS, 20 * MS)
    spans = [Span(5 * MS, 29 * MS), Span(5 * MS + 1, 30 * MS)]
    assert sorted(match_requests(spans, [early, late])) == [0, 1]


CALLS = st.lists(st.tuples(st.integers(0, 200), st.integers(3, 100)), min_size=1, max_size=30).map(
    lambda pairs: [truth(start * MS, (start + length) * MS) for start, length in pairs]
)


@given(CALLS, st.randoms())
def test_all_spans_find_a_truth_and_no_truth_is_used_twice(
    calls: list[RequestTruth], random
) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(calls)))
    random.shuffle(order)
    found = match_requests([span(calls[i]) for i in order], calls)
    assert sorted(found) == list(range(len(calls)))
    for index, match in zip(order, found, strict=True):
        assert calls[match].run_start_unix_ns <= span(calls[index]).start_unix_ns
