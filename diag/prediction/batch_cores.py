"""How many cores a batch uses, by the samples of the server's CPU while more or fewer run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.analysis.cpu import SERVER_CPU_PERCENT
from diag.analysis.samples.clock_alignment import align
from diag.model.availability import Unavailable
from diag.prediction import thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.analysis.result import Analysis
    from diag.model.events import Int64s
    from diag.prediction.batch_times import RecordedBatches

_NO_DEVICE = Unavailable("the CPU is not sampled by a device's clock")


class BatchCores(NamedTuple):
    """Cores that the server uses: ``rest`` at any time, and ``each`` for every running batch."""

    each: float
    each_error: float
    rest: float


def find_batch_cores(analysis: Analysis, recorded: RecordedBatches) -> BatchCores | None:
    """A straight line through CPU against running batches; None where it says too little.

    The line is fitted to means over ``CORES_STEP_NS``. In a closed loop as many batches run at any
    time, and what the CPU does besides rises when fewer run: nothing can be told then.
    """
    series = analysis.capture.host_samples
    if isinstance(series, Unavailable):
        return None
    aligned = align(analysis.capture, series, _NO_DEVICE)
    if isinstance(aligned, Unavailable):
        return None
    found = [
        (sample["unix_ns"] + aligned.shift_ns, value)
        for sample in series.samples
        if isinstance(value := sample.get(SERVER_CPU_PERCENT), int | float)
    ]
    step = max(1, round(thresholds.CORES_STEP_NS / max(1, series.period_ns)))
    if len(found) < step * thresholds.CORES_MIN_STEPS + 1:
        return None
    at_ns = np.array([at for at, _ in found], np.int64)
    # Each sample is of the time since the one before it.
    percent = np.array([value for _, value in found], np.float64)[1:]
    steps = len(percent) // step
    edges = at_ns[: steps * step + 1 : step]
    cores = percent[: steps * step].reshape(steps, step).mean(axis=1) / 100
    begin_ns = recorded.start_ns + analysis.capture.window.start_ns
    running = _running(begin_ns, begin_ns + recorded.taken_ns.astype(np.int64), edges)
    return _line(running, cores)


def _running(begin_ns: Int64s, end_ns: Int64s, edges: Int64s) -> NDArray[np.float64]:
    """Mean number of running batches between each two edges, which rise."""
    total = _until(begin_ns, edges) - _until(end_ns, edges)
    return np.diff(total) / np.maximum(1, np.diff(edges))


def _until(at_ns: Int64s, edges: Int64s) -> NDArray[np.float64]:
    """(edges,) the sum over all times of how long before the edge they are, those after it as 0."""
    ordered = np.sort(at_ns)
    sums = np.concatenate(([0.0], np.cumsum(ordered, dtype=np.float64)))
    before = np.searchsorted(ordered, edges)
    return np.asarray(before * edges.astype(np.float64) - sums[before], np.float64)


def _line(running: NDArray[np.float64], cores: NDArray[np.float64]) -> BatchCores | None:
    """Least squares with the standard error of the slope."""
    spread = float(((running - running.mean()) ** 2).sum())
    if len(running) < thresholds.CORES_MIN_STEPS or spread <= 0:
        return None
    each = float(((running - running.mean()) * (cores - cores.mean())).sum()) / spread
    rest = float(cores.mean()) - each * float(running.mean())
    left = cores - rest - each * running
    error = float(np.sqrt((left**2).sum() / (len(running) - 2) / spread))
    if each < 2 * error or error > thresholds.CORES_MAX_ERROR or rest < 0:
        return None
    return BatchCores(each, error, rest)
