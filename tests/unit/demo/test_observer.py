from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.demo.load import ClientCall
from diag.demo.observer import observe, percentile

MS = 1_000_000


def call(due: int, latency: int, status: int = 0) -> ClientCall:
    return ClientCall("m", due, due, due + latency, status)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(
    values: list[int], percent: int
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(v <= found for v in values) * 100 >= percent * len(values)
    smaller = [v for v in values if v < found]
    assert len(smaller) * 100 < percent * len(values)


def test_the_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_calls_belong_to_the_phase_in_which_they_were_due() -> None:
    calls = [call(0, 9), call(99, 500), call(100, 1), call(199, 1), call(200, 1), call(300, 1)]
    before, during, after = observe(calls, before=(0, 100), during=(100, 200), after=(200, 300))
    assert (before.calls, during.calls, after.calls) == (2, 2, 1)
    assert during.seconds == 100 / 1e9


def test_failed_calls_are_counted_and_have_no_latency() -> None:
    calls = [call(i, 2 * MS) for i in range(10)] + [call(5, 900 * MS, status=14)]
    before, during, _ = observe(calls, before=(0, 100), during=(100, 200), after=(200, 300))
    assert (before.calls, before.errors, before.mean_ms) == (10, 1, 2.0)
    assert (during.calls, during.mean_ms) == (0, None)


def test_percentiles_of_few_calls_are_not_shown() -> None:
    calls = [call(i, i * MS) for i in range(99)]
    before, _, _ = observe(calls, before=(0, 100), during=(100, 200), after=(200, 300))
    assert before.percentiles_ms == {50: 49.0, 90: 89.0, 99: None}
    assert before.as_record()["p50_ms"] == 49.0
