"""How often two captures of one server are told to differ."""

from __future__ import annotations

import numpy as np
import pytest

from diag.comparison import compare
from diag.comparison.result import Outcome
from tests.unit.comparison.servers import served

TRIED = 20


def skewed(n: int, rng: np.random.Generator) -> np.ndarray:
    """Independent, with a long tail."""
    return rng.lognormal(6, 0.5, n)


def correlated(n: int, rng: np.random.Generator) -> np.ndarray:
    """Each deviation carries over to the next request by 97 %."""
    values, last = np.empty(n), 0.0
    for i in range(n):
        last = 0.97 * last + np.sqrt(1 - 0.97**2) * rng.normal()
        values[i] = last
    return 400 * np.exp(0.3 * values)


@pytest.mark.parametrize("count", [150, 600])
@pytest.mark.parametrize("draw", [skewed, correlated])
def test_an_unchanged_server_is_hardly_ever_better_or_worse(draw, count: int) -> None:
    alarms = 0
    for seed in range(TRIED):
        rng = np.random.default_rng(seed)
        sides = [
            [served([max(10, int(time)) for time in draw(count, rng)], period_us=5000)]
            for _ in range(2)
        ]
        outcome = compare(*sides).outcome
        alarms += outcome in (Outcome.BETTER, Outcome.WORSE, Outcome.MIXED)
    assert alarms <= TRIED // 10
