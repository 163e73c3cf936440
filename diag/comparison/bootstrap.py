"""Confidence intervals of means and percentiles of values that depend on their neighbours.

Requests that are near each other share a batch, a queue or a burst, so they are no independent
samples. The moving block bootstrap (Kuensch 1989, "The jackknife and the bootstrap for general
stationary observations") draws whole runs of neighbours instead of single values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.comparison import thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from diag.model.events import Int64s


@dataclass(frozen=True, slots=True)
class Replicates:
    """One statistic of each resampled capture.

    Attributes:
        observed: Of the values as they were recorded.
        drawn: (replicates,) float64.
    """

    observed: float
    drawn: NDArray[np.float64]


def correlation_time(values: NDArray[np.float64]) -> float:
    """Over how many values one still says something about the next, at least 1.

    The integrated autocorrelation time, summed up to the first lag beyond ``SOKAL_WINDOW`` times
    itself (Sokal 1996, "Monte Carlo methods in statistical mechanics", section 3).

    Args:
        values: (n,) in time order, n > 0.
    """
    n = len(values)
    centred = values - values.mean()
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariance = np.fft.irfft(spectrum * spectrum.conj(), size)[:n]
    if covariance[0] <= 0:
        return 1.0
    time = 2 * np.cumsum(covariance / covariance[0]) - 1
    beyond = np.flatnonzero(np.arange(n) >= thresholds.SOKAL_WINDOW * time)
    lag = int(beyond[0]) if len(beyond) else n - 1
    # Values around their own mean look less alike than they are (Wolff 2004, "Monte Carlo errors
    # with less errors", equation 49).
    return max(1.0, float(time[lag]) * (1 + (2 * lag + 1) / n))


class Blocks(NamedTuple):
    """How the values of a capture are resampled.

    Attributes:
        length: Neighbours that are drawn together, at least 1.
        widening: By how much the drawn spread is too narrow, at least 1: for the correlation that
            is cut at the edges of blocks, and for the few independent values.
    """

    length: int
    widening: float


def blocks_of(values: NDArray[np.float64]) -> Blocks | None:
    """Blocks of ``BLOCK_CORRELATION_TIMES`` times the correlation time, at most a tenth of n.

    None if the values are worth fewer than ``INDEPENDENT_MIN`` independent ones. Where blocks are
    as long as wanted, hardly anything is cut. Shorter ones miss, of a first-order autoregressive
    series with the time t, the part t (1 - exp(-2 length / t)) / (2 length) of the variance.

    Args:
        values: (n,) in time order, n > 0.
    """
    n, time = len(values), correlation_time(values)
    independent = n / time
    if independent < thresholds.INDEPENDENT_MIN:
        return None
    wanted = math.ceil(thresholds.BLOCK_CORRELATION_TIMES * time)
    length = max(1, min(wanted, n // thresholds.BLOCKS_MIN))
    missed = 0.0
    if time > 1:
        missed = time * (1 - math.exp(-2 * length / time)) / (2 * length)
    return Blocks(length, _student(independent - 1) / math.sqrt(1 - missed))


def _student(freedom: float) -> float:
    """Quantile of Student's t over the normal one, at ``LEVEL``.

    Abramowitz and Stegun 1964, 26.7.5, to the third order: within 4 % from 3 degrees on.
    """
    z = NormalDist().inv_cdf((1 + thresholds.LEVEL) / 2)
    first = (z**2 + 1) / (4 * freedom)
    second = (5 * z**4 + 16 * z**2 + 3) / (96 * freedom**2)
    third = (3 * z**6 + 19 * z**4 + 17 * z**2 - 15) / (384 * freedom**3)
    return 1 + first + second + third


def block_counts(
    lengths: tuple[int, ...], blocks: tuple[int, ...], rng: np.random.Generator, replicates: int
) -> Iterator[NDArray[np.float64]]:
    """How often each value was drawn, for some replicates at a time, as (some, n) float64.

    Each capture is resampled by itself, to its own length within one block: no block spans two
    captures. A block that begins near a capture's end goes on at its begin, so that every value is
    equally likely.

    Args:
        lengths: Values of each capture, in order; all above 0.
        blocks: Block length in each capture.
        rng: Source of the draws.
        replicates: How many in all.
    """
    total = sum(lengths)
    at_once = max(1, thresholds.COUNTS_MAX_CELLS // max(1, total))
    for first in range(0, replicates, at_once):
        some = min(at_once, replicates - first)
        yield np.concatenate(
            [_drawn(n, block, rng, some) for n, block in zip(lengths, blocks, strict=True)], axis=1
        )


def _drawn(n: int, block: int, rng: np.random.Generator, some: int) -> NDArray[np.float64]:
    picks = -(-n // block)
    starts = rng.integers(0, n, (some, picks))
    # A difference array over a circle laid out twice, summed up and folded.
    steps = np.zeros((some, 2 * n + 1))
    rows = np.arange(some)[:, None]
    np.add.at(steps, (rows, starts), 1.0)
    np.add.at(steps, (rows, starts + block), -1.0)
    covered = np.cumsum(steps[:, :-1], axis=1)
    return covered[:, :n] + covered[:, n:]


def means_of(values: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(replicates, columns) means of (n, columns) values, each drawn as often as counted."""
    weights = counts.sum(axis=1, keepdims=True)
    means: NDArray[np.float64] = (counts @ values) / weights
    return means


def percentiles_of(
    values: Int64s, order: Int64s, counts: NDArray[np.float64], percents: tuple[int, ...]
) -> list[NDArray[np.float64]]:
    """Percentiles by nearest rank, as ``diag.analysis.distribution`` has them: each (replicates,).

    Args:
        values: (n,).
        order: (n,) that sorts them.
        counts: (replicates, n) how often each value was drawn.
        percents: 1 to 99.
    """
    summed = np.cumsum(counts[:, order], axis=1)
    found = []
    for percent in percents:
        rank = np.ceil(summed[:, -1:] * percent / 100)
        found.append(values[order[np.argmax(summed >= rank, axis=1)]].astype(np.float64))
    return found
