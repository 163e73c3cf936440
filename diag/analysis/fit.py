"""The line through t(b), the time of runs or batches over their rows, if it is above the noise."""

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
        fixed_ns: ``a``; the mean time of a run where time does not grow with rows.
        per_row_ns: ``c``; Unavailable where it is not above its own error.
        row_most_ns: Upper bound on the cost of a row, at least 0; Unavailable with one size only.
        least_rows: The smallest size seen; 0 without any.
        most_rows: The largest; beyond it the line is extrapolated.
    """

    fixed_ns: float | Unavailable
    per_row_ns: float | Unavailable
    row_most_ns: float | Unavailable
    least_rows: int = 0
    most_rows: int = 0

    def time_ns(self, rows: int) -> float | Unavailable:
        """The time of a run of so many rows; Unavailable where the line is not known."""
        return line_ns(self.fixed_ns, self.per_row_ns, rows)


def line_ns(
    fixed_ns: float | Unavailable, per_row_ns: float | Unavailable, rows: int
) -> float | Unavailable:
    """``fixed_ns + per_row_ns * rows``; without a cost of a row the fixed time alone."""
    if isinstance(fixed_ns, Unavailable) or isinstance(per_row_ns, Unavailable):
        return fixed_ns
    return fixed_ns + per_row_ns * rows


def fit(rows: Int64s, time_ns: Int64s) -> Fit:
    """Fit over the runs with known rows (above 0).

    Sums are of whole numbers, so the order of runs does not change the result.

    Args:
        rows: (n,) rows of each run, padding included.
        time_ns: (n,) its time.
    """
    known = rows > 0
    rows, time_ns = rows[known], time_ns[known]
    sizes, code = np.unique(rows, return_inverse=True)
    if len(sizes) < MIN_SIZES_FIT:
        seen = f"{len(sizes)} batch size{'s' * (len(sizes) != 1)} seen"
        missing = Unavailable(f"{seen}, {MIN_SIZES_FIT} needed")
        seen_rows = (int(sizes[0]), int(sizes[-1])) if len(sizes) else (0, 0)
        return Fit(missing, missing, missing, *seen_rows)
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
        return Fit(fixed, per_row, most, int(sizes[0]), int(sizes[-1]))
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
    """Standard error of the slope by the residuals; 0 for two runs, which have none."""
    n = len(rest_ns)
    if n <= MIN_SIZES_FIT:
        return 0.0
    return math.sqrt(math.fsum(rest_ns * rest_ns) / (n - 2) * n / spread)


def _unresolved(least: int, most_rows: int, mean_ns: float, row_most_ns: float) -> Fit:
    """A slope within its error: rows cost nothing, or the error is too large to say so."""
    seen = f"from {least} to {most_rows} rows"
    if most_rows < SIZES_MIN_RATIO * least:
        missing = Unavailable(f"sizes {seen} are too alike to show the cost of a row")
        return Fit(missing, missing, row_most_ns, least, most_rows)
    if row_most_ns * (most_rows - least) > FLAT_MAX_RATIO * mean_ns:
        missing = Unavailable(f"runs {seen} vary too much to show the cost of a row")
        return Fit(missing, missing, row_most_ns, least, most_rows)
    flat = Unavailable(f"time does not grow with rows, {seen}, by more than the noise")
    return Fit(mean_ns, flat, row_most_ns, least, most_rows)
