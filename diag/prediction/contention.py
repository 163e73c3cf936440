"""How much batches that run at once slow each other down."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.analysis.cpu import cpu_busy, machine_cores, server_cores
from diag.analysis.intervals.sets import union
from diag.model.availability import Unavailable
from diag.prediction import thresholds
from diag.prediction.batch_cores import find_batch_cores

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.prediction.batch_times import RecordedBatches


class Mutual(NamedTuple):
    """By what part each other running batch slows one down; its least and its most."""

    value: float
    least: float
    most: float


def find_mutual(analysis: Analysis, recorded: RecordedBatches) -> Mutual:
    """From how times differ with overlap; else from what batches use of cores and GPUs."""
    if _shows_overlap(recorded):
        return fit_mutual(recorded)
    return _by_use(analysis, recorded)


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


def _by_use(analysis: Analysis, recorded: RecordedBatches) -> Mutual:
    """From what batches use of the cores or of a GPU, whichever two of them have to share more."""
    by_cpu = _by_cores(analysis, recorded) or _by_cpu(analysis, recorded)
    by_device = _by_device(analysis, recorded)
    known = [each for each in (by_cpu, by_device) if each is not None]
    return max(known, key=lambda each: each.value) if known else Mutual(*thresholds.MUTUAL_UNSEEN)


def _by_cores(analysis: Analysis, recorded: RecordedBatches) -> Mutual | None:
    """Two batches, the rest of the server and other processes share the machine's cores."""
    found = find_batch_cores(analysis, recorded)
    cores, busy, server = machine_cores(analysis), cpu_busy(analysis), server_cores(analysis)
    if (
        found is None
        or isinstance(cores, Unavailable)
        or isinstance(busy, Unavailable)
        or isinstance(server, Unavailable)
    ):
        return None
    one = found.each + found.rest + max(0.0, cores * busy - server)
    value = max(0.0, (one + found.each) / max(one, cores) - 1) + thresholds.MUTUAL_BEYOND_CORES
    error = max(thresholds.MUTUAL_BY_CORES_MIN_ERROR, 4 * found.each_error / cores)
    return _within(value, error)


def _by_cpu(analysis: Analysis, recorded: RecordedBatches) -> Mutual | None:
    """Batches need so many cores each, and the server can have those that others leave."""
    cores, busy, server = machine_cores(analysis), cpu_busy(analysis), server_cores(analysis)
    if (
        isinstance(cores, Unavailable)
        or isinstance(busy, Unavailable)
        or isinstance(server, Unavailable)
    ):
        return None
    free = cores - max(0.0, cores * busy - server)
    if free <= 0:
        return None
    _, least, most = thresholds.MUTUAL_UNSEEN
    return _within(_shared(recorded, server * recorded.window_ns, free), most - least)


def _by_device(analysis: Analysis, recorded: RecordedBatches) -> Mutual | None:
    """Two batches on the busiest GPU: one works at a time; None where no GPU worked."""
    busy_ns = [each.timeline.busy_ns for each in analysis.idle if each.timeline.is_device]
    if not any(busy_ns):
        return None
    _, least, most = thresholds.MUTUAL_UNSEEN
    return _within(_shared(recorded, max(busy_ns), 1.0), most - least)


def _shared(recorded: RecordedBatches, used_ns: float, free: float) -> float:
    """The slow-down of batches that together used so much time of ``free`` cores or devices.

    Where batches always overlap, the time of one beyond its share of the used time is what the
    others cost it, as far as they use all that is free while they run: they do not wait for what is
    left over. Where they never overlap, two of them need twice as much as one.
    """
    end_ns = recorded.start_ns + recorded.taken_ns.astype(np.int64)
    running_ns = max(1, union(recorded.start_ns, end_ns).total_ns)
    used = min(used_ns / running_ns, free) / free
    others = float(recorded.others.mean())
    if others > thresholds.ALONE_MAX_OTHERS:
        if used < thresholds.SHARED_MIN_USE:
            return 0.0
        alone_ns = max(1.0, used_ns / len(recorded.others))
        return (float(recorded.taken_ns.mean()) / alone_ns - 1) / others
    return 2 * used - 1


def _within(value: float, error: float) -> Mutual:
    """From 0 to the most that a slow-down can be."""
    most = thresholds.MUTUAL_UNSEEN[2]
    value = min(max(0.0, value), most)
    return Mutual(value, max(0.0, value - error), min(most, value + error))
