"""How much more often slow requests have a property than the rest, with an interval.

Neighbouring requests share batches and disturbances, so they are no independent samples: a
bootstrap over blocks of neighbours (Carlstein 1986) draws whole stretches of the recording. Where
slow requests lie in few blocks that says too little, so the interval is never narrower than that of
independent requests (Katz and others 1978: the logarithm of a ratio of shares is nearly normal).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from diag.analysis.tail.properties import Column, Kind, Property
from diag.analysis.thresholds import (
    ASSOCIATED_LEVEL,
    ASSOCIATED_MIN_LIFT,
    ASSOCIATED_MIN_REQUESTS,
    ASSOCIATED_MIN_SHARE,
    COINCIDENCE_MIN_LIFT,
    TIME_BLOCKS_MAX,
    TIME_BLOCKS_MIN,
)
from diag.model.events import Bools

_DRAWS = 1000
# Half a request in each cell (Haldane and Anscombe): no ratio is infinite where a cell is empty.
_CORRECTION = 0.5


@dataclass(frozen=True, slots=True)
class Association:
    """A property that slow requests have more often than the rest.

    Attributes:
        of: The property.
        slow: Slow requests that have it.
        slow_total: Slow requests.
        rest: Other requests that have it.
        rest_total: Other requests.
        lift: Share of the slow that have it over share of the rest that do.
        low: Lower end of the interval of the lift, ``ASSOCIATED_LEVEL`` of the draws.
        high: Upper end.
    """

    of: Property
    slow: int
    slow_total: int
    rest: int
    rest_total: int
    lift: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval lies above 1.

        What stops the machine is told without that too, as it often happens once in a window: then
        one coincidence is all there is.
        """
        return self.low > 1


def associations(columns: Iterable[Column], is_slow: Bools) -> tuple[Association, ...]:
    """The associations that are beyond chance, the surest first, then coincidences.

    Args:
        columns: Properties, each with a (n,) column in time order.
        is_slow: (n,) which requests are slow; n is at least ``TIME_BLOCKS_MIN``.
    """
    n = len(is_slow)
    blocks = int(np.clip(n // TIME_BLOCKS_MIN, TIME_BLOCKS_MIN, TIME_BLOCKS_MAX))
    block = np.arange(n) * blocks // n
    rng = np.random.default_rng(0)  # the same capture gives the same numbers
    draws = rng.multinomial(blocks, np.full(blocks, 1 / blocks), _DRAWS).astype(np.float64)
    found = [_measure(of, has, is_slow, block, draws) for of, has in columns]
    kept = [each for each in found if _is_told(each)]
    return tuple(sorted(kept, key=lambda each: (not each.is_sure, -each.low)))


def _measure(
    of: Property,
    has: Bools,
    is_slow: Bools,
    block: NDArray[np.int64],
    draws: NDArray[np.float64],
) -> Association:
    cells = (is_slow & has, is_slow, ~is_slow & has, ~is_slow)
    counts = np.stack(
        [np.bincount(block[cell], minlength=draws.shape[1]) for cell in cells], axis=1
    ).astype(np.float64)
    drawn = _lift(draws @ counts)
    low, high = np.quantile(drawn, [(1 - ASSOCIATED_LEVEL) / 2, (1 + ASSOCIATED_LEVEL) / 2])
    total = counts.sum(axis=0)
    slow, slow_total, rest, rest_total = (int(each) for each in total)
    lift, spread = float(_lift(total[None, :])[0]), _spread(total)
    return Association(
        of=of,
        slow=slow,
        slow_total=slow_total,
        rest=rest,
        rest_total=rest_total,
        lift=lift,
        low=min(float(low), lift / spread),
        high=max(float(high), lift * spread),
    )


def _spread(counts: NDArray[np.float64]) -> float:
    """By what factor a lift may be off if requests are independent; ``counts`` as of ``_lift``."""
    slow, slow_total, rest, rest_total = (counts + _CORRECTION * np.array([1, 2, 1, 2])).tolist()
    variance = 1 / slow - 1 / slow_total + 1 / rest - 1 / rest_total
    deviations = NormalDist().inv_cdf((1 + ASSOCIATED_LEVEL) / 2)
    return math.exp(deviations * math.sqrt(max(0.0, variance)))


def _lift(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) ratio of shares, of (m, 4) counts: slow with it, slow, others with it, others."""
    slow, slow_total, rest, rest_total = counts.T
    of_slow = (slow + _CORRECTION) / (slow_total + 2 * _CORRECTION)
    of_rest = (rest + _CORRECTION) / (rest_total + 2 * _CORRECTION)
    lift: NDArray[np.float64] = of_slow / of_rest
    return lift


def _is_told(found: Association) -> bool:
    is_common = found.slow >= max(ASSOCIATED_MIN_REQUESTS, ASSOCIATED_MIN_SHARE * found.slow_total)
    is_strong = found.lift >= ASSOCIATED_MIN_LIFT and found.is_sure
    is_coincidence = found.of.kind is Kind.DISTURBED and found.lift >= COINCIDENCE_MIN_LIFT
    return is_common and (is_strong or is_coincidence)
