"""The line through t(b): device time of runs by their rows, and what of it is beyond noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diag.analysis.thresholds import (
    FIT_ERRORS_MIN,
    FLAT_MAX_RATIO,
    MIN_SIZES_FIT,
    SIZES_MIN_RATIO,
)
from diag.model.availability import Unavailable
from diag.model.device import LargerBatches
from diag.model.events import Int64s


@dataclass(frozen=True, slots=True)
class Fit:
    """``a + c b`` by least squares.

    Attributes:
        fixed_ns: ``a``; where time does not grow with rows, what any run takes.
        per_row_ns: ``c``; Unavailable where it is not above its own error.
        row_most_ns: The most that a row may cost, not below 0; Unavailable with one size only.
    """

    fixed_ns: float | Unavailable
    per_row_ns: float | Unavailable
    row_most_ns: float | Unavailable


def fit(rows: Int64s, time_ns: Int64s) -> Fit:
    """Over runs of known rows; whole numbers as far as may be, and the same in any order."""
    told = rows > 0
    rows, time_ns = rows[told], time_ns[told]
    sizes, code = np.unique(rows, return_inverse=True)
    if len(sizes) < MIN_SIZES_FIT:
        seen = f"{len(sizes)} batch size{'s' * (len(sizes) != 1)} seen"
        missing = Unavailable(f"{seen}, {MIN_SIZES_FIT} needed")
        return Fit(missing, missing, missing)
    times = np.zeros(len(sizes), np.int64)
    np.add.at(times, code, time_ns)
    runs = np.bincount(code).tolist()
    points = list(zip(sizes.tolist(), runs, times.tolist(), strict=True))
    n, x = len(rows), sum(size * count for size, count, _ in points)
    xx = sum(size * size * count for size, count, _ in points)
    y, xy = sum(time for *_, time in points), sum(size * time for size, _, time in points)
    spread = n * xx - x * x
    fixed, per_row = (y * xx - x * xy) / spread, (n * xy - x * y) / spread
    error = _error(time_ns - (fixed + per_row * rows), spread)
    most = max(0.0, per_row + FIT_ERRORS_MIN * error)
    if per_row > FIT_ERRORS_MIN * error:
        return Fit(fixed, per_row, most)
    return _unresolved(int(sizes[0]), int(sizes[-1]), y / n, most)


def effect_of_size(line: Fit, rows: Int64s) -> LargerBatches | Unavailable:
    """Compare the fitted time of the largest batch size with that of the smallest.

    Args:
        line: Fitted over the runs.
        rows: Rows of each run, any shape (n,); runs of unknown rows (below 1) are left out.
    """
    if isinstance(line.fixed_ns, Unavailable):
        return line.fixed_ns
    if isinstance(line.per_row_ns, Unavailable):
        return LargerBatches.NEARLY_FREE
    known = rows[rows > 0]
    least, most = int(known.min()), int(known.max())
    if most < SIZES_MIN_RATIO * least:
        return Unavailable(f"sizes from {least} to {most} rows are too alike to compare")
    small, large = (line.fixed_ns + line.per_row_ns * size for size in (least, most))
    if large <= (1 + FLAT_MAX_RATIO) * small:
        return LargerBatches.NEARLY_FREE
    if large / most >= (1 - FLAT_MAX_RATIO) * small / least:
        return LargerBatches.SAVE_NOTHING
    return LargerBatches.SAVE_SOME


def _error(rest_ns: np.ndarray[tuple[int], np.dtype[np.float64]], spread: int) -> float:
    """Standard error of the slope by what the line leaves over; 0 of two runs, which tell none."""
    n = len(rest_ns)
    if n <= MIN_SIZES_FIT:
        return 0.0
    return math.sqrt(math.fsum(rest_ns * rest_ns) / (n - 2) * n / spread)


def _unresolved(least: int, most_rows: int, mean_ns: float, row_most_ns: float) -> Fit:
    """Of a slope within its error: nothing where it can be no more, not known where it can."""
    seen = f"from {least} to {most_rows} rows"
    if most_rows < SIZES_MIN_RATIO * least:
        missing = Unavailable(f"sizes {seen} are too alike to tell what a row costs")
        return Fit(missing, missing, row_most_ns)
    if row_most_ns * (most_rows - least) > FLAT_MAX_RATIO * mean_ns:
        missing = Unavailable(f"runs {seen} differ too much beside that to tell what a row costs")
        return Fit(missing, missing, row_most_ns)
    flat = Unavailable(f"device time does not grow with rows, {seen}, by more than noise")
    return Fit(mean_ns, flat, row_most_ns)
