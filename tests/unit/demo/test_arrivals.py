from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.demo.arrivals import NS_PER_SECOND, Arrivals

RATES = st.floats(0.5, 500)


def due(arrivals: Arrivals, count: int) -> list[int]:
    return list(itertools.islice(arrivals.due_ns(), count))


@given(RATES, st.integers(0, 1000))
def test_an_open_loop_ascends_and_repeats_itself(rate: float, seed: int) -> None:
    arrivals = Arrivals("open", rate=rate, seed=seed)
    times = due(arrivals, 200)
    assert times == sorted(times)
    assert times == due(arrivals, 200)
    assert times[0] >= 0


def test_an_open_loop_has_the_rate_it_was_given_and_exponential_gaps() -> None:
    times = due(Arrivals("open", rate=50, seed=3), 20_000)
    gaps = [(b - a) / NS_PER_SECOND for a, b in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(1 / 50, rel=0.03)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_seeds_give_different_schedules() -> None:
    assert due(Arrivals("open", rate=5, seed=1), 5) != due(Arrivals("open", rate=5, seed=2), 5)


@given(RATES, st.integers(1, 50))
def test_bursts_come_together_and_keep_their_mean_rate(rate: float, size: int) -> None:
    times = due(Arrivals("burst", rate=rate, burst_size=size), 4 * size)
    assert [len(list(same)) for _, same in itertools.groupby(times)] == [size] * 4
    assert times[size] == round(size / rate * NS_PER_SECOND)


def test_a_closed_loop_has_no_schedule() -> None:
    with pytest.raises(ValueError, match="no schedule"):
        Arrivals("closed", concurrency=2).due_ns()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "closed"},
        {"kind": "open"},
        {"kind": "open", "rate": -1.0},
        {"kind": "burst", "rate": 5.0},
    ],
)
def test_arrivals_without_their_number_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needs? a"):
        Arrivals(**wrong)  # type: ignore[arg-type]
