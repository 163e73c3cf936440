"""How much batches that run at once slow each other down."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.analysis.cpu import cpu_busy, machine_cores, server_cores
from diag.analysis.intervals.sets import union
from diag.model.availability import Unavailable
from diag.prediction import thresholds

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.prediction.batch_times import RecordedBatches


class Mutual(NamedTuple):
    """By what part each other running batch slows one down; its least and its most."""

    value: float
    least: float
    most: float


def find_mutual(analysis: Analysis, recorded: RecordedBatches) -> Mutual:
    """From how times differ with overlap; else from the CPU that batches need and could have."""
    if _shows_overlap(recorded):
        return fit_mutual(recorded)
    return _by_cpu(analysis, recorded)


def _shows_overlap(recorded: RecordedBatches) -> bool:
    """Whether some batches ran alone and others did not, and enough of them."""
    others = recorded.others
    return (
        len(others) >= thresholds.OVERLAP_MIN_BATCHES
        and float(np.std(others)) >= thresholds.OVERLAP_MIN_SPREAD
        and float(np.quantile(others, thresholds.ALONE_QUANTILE)) <= thresholds.ALONE_MAX_OTHERS
    )


def fit_mutual(recorded: RecordedBatches) -> Mutual:
    """The value that leaves the times of equal sizes with the least spread.

    Args:
        recorded: Batches with other numbers of others running.
    """
    taken, others = recorded.taken_ns, recorded.others
    group = recorded.queue * (int(recorded.rows.max()) + 1) + recorded.rows
    _, code = np.unique(group, return_inverse=True)
    count = np.bincount(code)
    grid = np.linspace(0, 1.5, 31)
    spread = []
    for mutual in grid:
        log = np.log(np.maximum(1.0, taken / (1 + mutual * others)))
        rest = log - (np.bincount(code, log) / count)[code]
        spread.append(float(np.mean(rest * rest)))
    best = int(np.argmin(spread))
    # Two standard errors of least squares: the sum of squares rises by four times the variance.
    near = [
        x for x, s in zip(grid, spread, strict=True) if s <= spread[best] * (1 + 4 / len(taken))
    ]
    return Mutual(float(grid[best]), float(near[0]), float(near[-1]))


def _by_cpu(analysis: Analysis, recorded: RecordedBatches) -> Mutual:
    """Batches need so many cores each, and the server can have those that others leave.

    Where batches always overlap, the time of one beyond its share of the CPU time is what the
    others cost it. Where they never do, two of them need twice the cores of one.
    """
    cores, busy, server = machine_cores(analysis), cpu_busy(analysis), server_cores(analysis)
    value, least, most = thresholds.MUTUAL_UNSEEN
    if (
        isinstance(cores, Unavailable)
        or isinstance(busy, Unavailable)
        or isinstance(server, Unavailable)
    ):
        return Mutual(value, least, most)
    server_ns = server * recorded.window_ns
    others = float(recorded.others.mean())
    if others > thresholds.ALONE_MAX_OTHERS:
        alone_ns = server_ns / len(recorded.others)
        found = (float(recorded.taken_ns.mean()) / alone_ns - 1) / others
    else:
        end_ns = recorded.start_ns + recorded.taken_ns.astype(np.int64)
        running_ns = max(1, union(recorded.start_ns, end_ns).total_ns)
        free = cores - max(0.0, cores * busy - server)
        found = 2 * min(server_ns / running_ns, free) / free - 1
    value = min(max(0.0, found), most)
    return Mutual(value, max(0.0, value - (most - least)), min(most, value + (most - least)))
