"""Changes of metrics between two sides of many requests."""

from __future__ import annotations

import numpy as np

from diag.comparison import thresholds
from diag.comparison.changes import request_changes
from diag.comparison.series import RequestSeries
from diag.model.serving import STAGES


def side(n: int, slower: float) -> RequestSeries:
    """Two captures of ``n`` requests each; times do not depend on those before."""
    random = np.random.default_rng(int(slower * 10))
    duration_ns = (random.exponential(1e6, 2 * n) * slower).astype(np.int64) + 1_000_000
    stage_ns = np.zeros((2 * n, len(STAGES)), np.int64)
    stage_ns[:, 0] = duration_ns
    return RequestSeries(duration_ns, stage_ns, np.ones(2 * n, np.int64), (n, n))


def test_intervals_of_more_requests_than_are_resampled() -> None:
    n = thresholds.RESAMPLED_MAX // 2 + 1  # of two captures a side
    before, after = side(n, 1.0), side(n, 1.5)
    changes = {each.metric: each for each in request_changes(before, after)}
    mean = changes["latency.mean"]
    assert mean.before == before.duration_ns.mean()  # of all, not of those that are resampled
    assert isinstance(mean.low, float)
    assert isinstance(mean.high, float)
    assert 0.4e6 < mean.low < 0.5e6 < mean.high < 0.6e6
