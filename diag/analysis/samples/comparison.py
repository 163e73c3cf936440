"""Sampled against traced busy time of one device, reading by reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from diag.analysis.intervals.sets import covered_between, union
from diag.analysis.samples.bounds import Bounds, kernel_times, traced_bounds
from diag.analysis.samples.readings import Readings
from diag.analysis.thresholds import AGREE_MAX_RATIO, BOUNDS_MAX_RATIO
from diag.model.events import Bools
from diag.model.intervals import IntervalSet
from diag.model.window import Window


@dataclass(frozen=True, slots=True)
class Comparison:
    """Difference of samples and trace over the readings in the window; shares are 0 to 1.

    Attributes:
        sampled: Mean of the readings, each weighted by the time it represents.
        traced: Share of kernel time over the same spans.
        excess: Mean amount by which readings are above the bounds of the trace.
        deficit: Mean amount by which they are below them.
        width: Mean width of the bounds on the traced share.
        overlap_ns: Time compared.
    """

    sampled: float
    traced: float
    excess: float
    deficit: float
    width: float
    overlap_ns: int

    @property
    def tolerance(self) -> float:
        """Difference up to which the two agree, 0 to 1."""
        return min(1.0, AGREE_MAX_RATIO + self.width / 2)

    @property
    def cannot_contradict(self) -> bool:
        """Whether the bounds are too wide for any sampled value to contradict the trace."""
        return self.width > BOUNDS_MAX_RATIO


def compare(
    readings: Readings, kernels: IntervalSet, memsets: IntervalSet, window: Window
) -> Comparison:
    """Compare each reading with the trace over the reading's own span.

    Readings with bounds too wide to be contradicted are left out if there are others.

    Args:
        readings: At least one, from ``Readings.within``.
        kernels: Times at which a kernel ran.
        memsets: Times at which a memset ran.
        window: Of the trace.
    """
    times = kernel_times(kernels, memsets, window)
    bounds = traced_bounds(times, readings)
    is_usable = np.asarray(bounds.width <= BOUNDS_MAX_RATIO, np.bool_)
    if not is_usable.any():
        is_usable[:] = True
    used = readings.where(is_usable)
    found = [_misfit(readings, bounds, is_usable)]
    joined = readings.joined()
    if joined is not None and 2 * joined.weight_ns.sum() >= readings.weight_ns.sum():
        # Valid as well, and narrower where the clocks cause most of the doubt.
        found.append(_misfit(joined, traced_bounds(times, joined)))
    end, length = used.middle_end_ns, used.middle_length_ns
    spans = union(end - length, end)
    covered_ns = spans.total_ns
    return Comparison(
        sampled=float(np.average(used.share, weights=used.weight_ns)),
        traced=float(covered_between(times.surely, *spans.edges).sum() / covered_ns),
        excess=max(each.excess for each in found),
        deficit=max(each.deficit for each in found),
        width=min(each.width for each in found),
        overlap_ns=covered_ns,
    )


class _Misfit(NamedTuple):
    """Means over readings, weighted."""

    excess: float
    deficit: float
    width: float


def _misfit(readings: Readings, bounds: Bounds, keep: Bools | None = None) -> _Misfit:
    """How far the readings, or the selected ones, lie outside the bounds."""
    weight = readings.weight_ns if keep is None else readings.weight_ns * keep
    excess = np.maximum(readings.low - bounds.most, 0)
    one_sided = readings.high >= 1.0
    deficit = np.where(one_sided, 0, np.maximum(bounds.least - readings.high, 0))
    excess_mean, deficit_mean, width_mean = (
        float(np.average(each, weights=weight)) for each in (excess, deficit, bounds.width)
    )
    return _Misfit(excess_mean, deficit_mean, width_mean)


def ends_early(
    readings: Readings, kernels: IntervalSet, memsets: IntervalSet, end_ns: int, window: Window
) -> bool:
    """Whether the samples agree up to the trace's last device event and are busy after it.

    Args:
        readings: As of ``compare``.
        kernels: Times at which a kernel ran.
        memsets: Times at which a memset ran.
        end_ns: End of the last device event, ns.
        window: Of the trace.
    """
    after = readings.end_min_ns - readings.length_max_ns >= end_ns
    until = readings.end_max_ns <= end_ns
    if not after.any() or not until.any():
        return False
    head = readings.where(np.asarray(until, np.bool_))
    misfit = _misfit(head, traced_bounds(kernel_times(kernels, memsets, window), head))
    tail = readings.where(np.asarray(after, np.bool_))
    busy = float(np.average(tail.low, weights=tail.weight_ns))
    return max(misfit.excess, misfit.deficit) <= AGREE_MAX_RATIO < busy
