"""Mean and percentiles of durations; a percentile only where there are enough samples for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.thresholds import MIN_SAMPLES_P50, MIN_SAMPLES_P90, MIN_SAMPLES_P99
from diag.model.availability import Unavailable
from diag.model.events import Int64s


@dataclass(frozen=True, slots=True)
class Distribution:
    """Mean and percentiles of durations.

    ``p50`` needs 10 samples, ``p90`` 30 and ``p99`` 100 (thresholds.py says why).

    Attributes:
        n: Number of samples.
        mean_ns: Unavailable without samples.
        p50_ns: A duration that occurred, as are the others.
    """

    n: int
    mean_ns: float | Unavailable
    p50_ns: int | Unavailable
    p90_ns: int | Unavailable
    p99_ns: int | Unavailable


def describe(values_ns: Int64s) -> Distribution:
    """Distribution of the durations, shape (n,), in ns."""
    n = len(values_ns)
    if not n:
        nothing = Unavailable("no samples")
        return Distribution(0, nothing, nothing, nothing, nothing)
    return Distribution(
        n=n,
        mean_ns=float(values_ns.mean()),
        p50_ns=percentile(values_ns, 50, MIN_SAMPLES_P50),
        p90_ns=percentile(values_ns, 90, MIN_SAMPLES_P90),
        p99_ns=percentile(values_ns, 99, MIN_SAMPLES_P99),
    )


def percentile(values_ns: Int64s, percent: int, needed: int) -> int | Unavailable:
    """A percentile that is one of the values (nearest rank).

    Args:
        values_ns: Shape (n,), n > 0.
        percent: 0 to 100.
        needed: Number of samples below which it has no meaning.
    """
    if len(values_ns) < needed:
        return Unavailable(f"{len(values_ns)} samples, {needed} needed")
    return int(np.percentile(values_ns, percent, method="inverted_cdf"))
