"""Intervals of values that depend on their neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.comparison.bootstrap import (
    block_counts,
    blocks_of,
    correlation_time,
    means_of,
    percentiles_of,
)


def correlated(n: int, carry: float, seed: int) -> np.ndarray:
    """An autoregressive series of mean 0 and variance 1: each value carries over to the next."""
    noise = np.random.default_rng(seed).normal(size=n)
    values = np.empty(n)
    values[0] = noise[0]
    for i in range(1, n):
        values[i] = carry * values[i - 1] + np.sqrt(1 - carry**2) * noise[i]
    return values


def test_values_that_ignore_their_neighbours_have_a_time_of_about_one() -> None:
    values = np.random.default_rng(1).normal(size=4000)
    assert correlation_time(values) < 1.5


def test_the_time_is_that_over_which_values_are_alike() -> None:
    # The autocorrelation time of such a series is (1 + carry) / (1 - carry).
    for carry in (0.5, 0.9):
        time = (1 + carry) / (1 - carry)
        values = correlated(20_000, carry, seed=2)
        assert 0.6 < correlation_time(values) / time < 1.6
        blocks = blocks_of(values)
        assert blocks is not None
        assert blocks.length == np.ceil(5 * correlation_time(values))
        assert 1 <= blocks.widening < 1.1


def test_equal_values_are_independent() -> None:
    assert correlation_time(np.array([5.0] * 50)) == 1


def test_blocks_that_are_too_short_widen_the_interval() -> None:
    values = correlated(600, 0.92, seed=4)
    assert 5 * correlation_time(values) > 60
    blocks = blocks_of(values)
    assert blocks is not None
    assert blocks.length == 60
    assert 1.1 < blocks.widening < 2


def test_a_drift_is_worth_too_few_values_for_an_interval() -> None:
    assert blocks_of(np.arange(500.0)) is None


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    block=st.integers(1, 40),
    seed=st.integers(0, 5),
)
def test_every_capture_is_drawn_to_its_length_within_a_block(
    lengths: list[int], block: int, seed: int
) -> None:
    blocks = tuple(min(block, n) for n in lengths)
    rng = np.random.default_rng(seed)
    counts = np.concatenate(list(block_counts(tuple(lengths), blocks, rng, 7)))
    assert counts.shape == (7, sum(lengths))
    assert (counts >= 0).all()
    edges = np.cumsum([0, *lengths])
    for n, size, start, end in zip(lengths, blocks, edges, edges[1:], strict=False):
        assert (counts[:, start:end].sum(axis=1) == -(-n // size) * size).all()


def test_percentiles_are_of_the_drawn_values_by_nearest_rank() -> None:
    values = np.array([30, 10, 20], np.int64)
    order = np.argsort(values)
    counts = np.array([[1.0, 1.0, 1.0], [3.0, 0.0, 0.0], [1.0, 2.0, 0.0]])
    p50, p99 = percentiles_of(values, order, counts, (50, 99))
    assert p50.tolist() == [20, 30, 10]
    # The third draw holds 30 once and 10 twice.
    assert p99.tolist() == [30, 30, 30]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.sampled_from((50, 90, 99)))
def test_a_draw_of_every_value_once_is_the_percentile_of_the_report(
    numbers: list[int], percent: int
) -> None:
    values = np.array(numbers, np.int64)
    order, once = np.argsort(values), np.ones((1, len(values)))
    (drawn,) = percentiles_of(values, order, once, (percent,))
    assert drawn[0] == np.percentile(values, percent, method="inverted_cdf")


@pytest.mark.parametrize("carry", [0.0, 0.8])
def test_the_interval_holds_the_true_mean_as_often_as_it_says(carry: float) -> None:
    held, tried = 0, 100
    for seed in range(tried):
        values = correlated(1500, carry, seed)
        blocks = blocks_of(values)
        assert blocks is not None
        rng = np.random.default_rng(seed)
        counts = np.concatenate(list(block_counts((len(values),), (blocks.length,), rng, 200)))
        low, high = np.quantile(means_of(values[:, None], counts), [0.025, 0.975])
        held += bool(low * blocks.widening <= 0 <= high * blocks.widening)
    # 100 draws of 95 % fall between 0.89 and 1 in all but 1 % of cases; blocks cost a little.
    assert held / tried >= 0.88
