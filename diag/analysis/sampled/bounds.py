"""How busy the trace says the GPU was over spans that are known within bounds only."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from diag.analysis.columns.intervals import Set, covered_between, intersect, merge
from diag.analysis.sampled.readings import Float64s, Readings
from diag.analysis.thresholds import SAMPLER_BLIND_NS
from diag.model.events import Int64s
from diag.model.window import Window

# Places and lengths that are tried for each reading, fewer for very many readings.
_GRID = 129
_GRID_MIN = 5
_POINTS_MAX = 2_000_000
_LONG_AGO_NS = -(1 << 62)


class KernelSets(NamedTuple):
    """When a kernel ran in a sampler's eyes.

    Attributes:
        surely: By the trace.
        possibly: By the trace, or in gaps that it may not see, or outside the window.
        unless_outside: By the trace, or outside the window.
    """

    surely: Set
    possibly: Set
    unless_outside: Set


def kernel_sets(kernels: Set, memsets: Set, window: Window) -> KernelSets:
    """When a sampler must have seen a kernel run, and when it may have.

    Copies are in neither: NVML counts time in which a kernel ran (nvmlUtilization_t). Memsets may
    be kernels of the driver, and gaps between back-to-back kernels may be too short for it. What
    happened outside the window is not known.
    """
    start, end = merge(kernels, memsets)
    if len(start):
        open_ = start[1:] - end[:-1] >= SAMPLER_BLIND_NS
        start = start[np.concatenate(([True], open_))]
        end = end[np.concatenate((open_, [True]))]
    before = (np.array([_LONG_AGO_NS]), np.array([window.start_ns]))
    after = (np.array([window.end_ns]), np.array([-_LONG_AGO_NS]))
    inside = (np.array([window.start_ns]), np.array([window.end_ns]))
    surely = intersect(kernels, inside)
    return KernelSets(surely, merge(before, (start, end), after), merge(before, surely, after))


def traced_bounds(surely: Set, possibly: Set, readings: Readings) -> tuple[Float64s, Float64s]:
    """Least and greatest busy share over each reading's span, wherever it lies.

    Tried on a grid of ends and lengths; what may happen between its points is added, for the share
    of a span changes by no more than the change of its ends over its length.

    Args:
        surely: When a kernel ran.
        possibly: When one may have run, in a sampler's eyes.
        readings: n of them.

    Returns:
        Two arrays of shape (n,), 0 to 1.
    """
    n = len(readings)
    if not n:
        return np.empty(0, np.float64), np.empty(0, np.float64)
    grid = min(_GRID, max(_GRID_MIN, math.isqrt(_POINTS_MAX // n)))
    part = np.linspace(0.0, 1.0, grid)
    fixed = bool((readings.length_min_ns == readings.length_max_ns).all())
    lengths = _between(readings.length_min_ns, readings.length_max_ns, part[:1] if fixed else part)
    ends = _between(readings.end_min_ns, readings.end_max_ns, part)
    end = np.broadcast_to(ends[:, :, None], (n, grid, lengths.shape[1])).ravel()
    length = np.broadcast_to(lengths[:, None, :], (n, grid, lengths.shape[1])).ravel()
    step = (readings.end_max_ns - readings.end_min_ns) / (grid - 1)
    step = step + (readings.length_max_ns - readings.length_min_ns) / (grid - 1)
    # Rounding to whole ns moves a point by one at most.
    slack = (step / 2 + 2) / readings.length_min_ns
    least, most = (
        (covered_between(each, end - length, end) / length).reshape(n, -1)
        for each in (surely, possibly)
    )
    return (
        np.asarray(np.clip(least.min(axis=1) - slack, 0, 1), np.float64),
        np.asarray(np.clip(most.max(axis=1) + slack, 0, 1), np.float64),
    )


def _between(low: Int64s, high: Int64s, part: Float64s) -> Int64s:
    """(n, parts) whole ns from each low to its high."""
    offset = np.rint((high - low)[:, None] * part[None, :]).astype(np.int64)
    return np.asarray(low[:, None] + offset, np.int64)
