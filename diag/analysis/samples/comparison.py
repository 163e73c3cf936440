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
    """How far samples and trace are apart over the readings that lie in the window.

    Attributes:
        sampled: Mean of the readings, each weighted by the time it stands for.
        traced: Share of kernel time over the same spans.
        excess: Sampled beyond what the trace allows, as a share of the time compared.
        deficit: Traced beyond what the samples allow.
        width: Of the bounds within which the trace's share is known.
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
        """Within which the two are taken to agree."""
        return min(1.0, AGREE_MAX_RATIO + self.width / 2)

    @property
    def says_nothing(self) -> bool:
        """Whether hardly any sampled value could contradict the trace."""
        return self.width > BOUNDS_MAX_RATIO


def compare(
    readings: Readings, kernels: IntervalSet, memsets: IntervalSet, window: Window
) -> Comparison:
    """Compare at least one reading, each with the trace over its own span.

    Readings of which the trace cannot tell anything, for the doubt about when they were, are left
    out as long as there are others.

    Args:
        readings: Of ``Readings.within``.
        kernels: When a kernel ran.
        memsets: When a memset did.
        window: Of the trace.
    """
    times = kernel_times(kernels, memsets, window)
    bounds = traced_bounds(times, readings)
    telling = np.asarray(bounds.width <= BOUNDS_MAX_RATIO, np.bool_)
    if not telling.any():
        telling[:] = True
    used = readings.where(telling)
    found = [_misfit(readings, bounds, telling)]
    joined = readings.joined()
    if joined is not None and 2 * joined.weight_ns.sum() >= readings.weight_ns.sum():
        # Sound as well, and sharper where the clocks are the greater doubt.
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
    """How far readings, or those that are kept, lie beyond the bounds."""
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
    """Whether the samples go on being busy after the trace's last device event, and fit until then.

    Args:
        readings: As of ``compare``.
        kernels: When a kernel ran.
        memsets: When a memset did.
        end_ns: End of the last device event.
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
