"""Bounds on the traced busy share over spans whose times are only known within bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.sets import clip, covered_between, merge
from diag.analysis.samples.readings import Float64s, Readings
from diag.analysis.thresholds import SAMPLER_BLIND_NS
from diag.model.events import Int64s
from diag.model.intervals import IntervalSet
from diag.model.window import Window

# Number of ends and of lengths tried for each reading; fewer for many readings.
_GRID = 129
_GRID_MIN = 5
_POINTS_MAX = 400_000


@dataclass(frozen=True, slots=True)
class KernelTimes:
    """Times at which a sampler counts a kernel as running, within the window.

    Attributes:
        surely: A kernel ran by the trace.
        possibly: The same, with memsets and with gaps too short for a sampler.
        window: Of the trace; outside of it nothing is known.
    """

    surely: IntervalSet
    possibly: IntervalSet
    window: Window


def kernel_times(kernels: IntervalSet, memsets: IntervalSet, window: Window) -> KernelTimes:
    """Kernel times of one GPU as a sampler may count them.

    Copies do not count: NVML's share is of time in which a kernel ran (nvmlUtilization_t). Memsets
    may be kernels of the driver, and the driver may not see short gaps between kernels.
    """
    both = merge(kernels, memsets) if len(memsets) else kernels
    surely, both = (clip(each, window.start_ns, window.end_ns) for each in (kernels, both))
    return KernelTimes(surely, _closed(both), window)


def _closed(a: IntervalSet) -> IntervalSet:
    """The set with gaps that are too short for a sampler closed."""
    start, end = a.edges
    if not len(start):
        return a
    seen = start[1:] - end[:-1] >= SAMPLER_BLIND_NS
    first, last = np.concatenate(([True], seen)), np.concatenate((seen, [True]))
    return IntervalSet(start[first], end[last])


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on busy shares, 0 to 1, each of shape (n,) for n readings.

    Attributes:
        least: Lowest share over any span that the reading may cover.
        most: Highest share, with all that a sampler may count as busy.
        most_traced: Highest share, with the traced kernels alone.
    """

    least: Float64s
    most: Float64s
    most_traced: Float64s

    @property
    def width(self) -> Float64s:
        """(n,) range of the traced share that the doubt about the span's time leaves open."""
        return np.asarray(self.most_traced - self.least, np.float64)


def traced_bounds(times: KernelTimes, readings: Readings) -> Bounds:
    """Bounds on the busy share over each reading's span, for every possible time of the span.

    The share is computed on a grid of ends and lengths. The most that it can change between grid
    points is added: the change of the ends over the length. Time outside the window counts as idle
    for the lower bound and as busy for the upper one.
    """
    n = len(readings)
    if not n:
        return Bounds(np.empty(0), np.empty(0), np.empty(0))
    fixed = bool((readings.length_min_ns == readings.length_max_ns).all())
    points = _POINTS_MAX // n
    grid = min(_GRID, max(_GRID_MIN, points if fixed else math.isqrt(points)))
    part = np.linspace(0.0, 1.0, grid)
    lengths = _between(readings.length_min_ns, readings.length_max_ns, part[:1] if fixed else part)
    ends = _between(readings.end_min_ns, readings.end_max_ns, part)
    shape = (n, grid, lengths.shape[1])
    end = np.broadcast_to(ends[:, :, None], shape).ravel()
    length = np.broadcast_to(lengths[:, None, :], shape).ravel()
    begin = end - length
    window = times.window
    inside = np.minimum(end, window.end_ns) - np.maximum(begin, window.start_ns)
    unknown = length - np.clip(inside, 0, length)
    surely = covered_between(times.surely, begin, end)
    possibly = covered_between(times.possibly, begin, end)
    step = (readings.end_max_ns - readings.end_min_ns) / (grid - 1)
    step = step + (readings.length_max_ns - readings.length_min_ns) / (grid - 1)
    # Rounding to whole ns moves a point by one at most.
    slack = (step / 2 + 2) / readings.length_min_ns

    def most(busy: Int64s) -> Float64s:
        share = ((busy + unknown) / length).reshape(n, -1).max(axis=1) + slack
        return np.asarray(np.minimum(share, 1), np.float64)

    least = (surely / length).reshape(n, -1).min(axis=1) - slack
    return Bounds(np.maximum(least, 0), most(possibly), most(surely))


def _between(low: Int64s, high: Int64s, part: Float64s) -> Int64s:
    """(n, parts) values from each low to its high, in whole ns."""
    offset = np.rint((high - low)[:, None] * part[None, :]).astype(np.int64)
    return np.asarray(low[:, None] + offset, np.int64)
