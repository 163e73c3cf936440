"""Each metric before and after, with the interval of its difference."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.distribution import describe
from diag.comparison import thresholds
from diag.comparison.bootstrap import block_counts, block_length, means_of, percentile_of
from diag.comparison.result import Change
from diag.model.availability import Unavailable
from diag.model.gaps import IDLE_CAUSES
from diag.model.serving import STAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.comparison.series import RequestSeries, WindowSeries

_SEED = 0  # the same captures give the same intervals
_PERCENTS = (50, 90, 99)
_TOO_FEW = Unavailable(f"fewer than {thresholds.BLOCKS_MIN} requests on a side")
_NO_BINS = Unavailable("the windows are too short")

Drawn = dict[str, "NDArray[np.float64]"]


def request_changes(before: RequestSeries, after: RequestSeries) -> tuple[Change, ...]:
    """Latency (mean, p50, p90, p99), then the mean of every stage that takes time on a side."""
    drawn = [_draw_requests(side, _SEED + index) for index, side in enumerate((before, after))]
    observed = [_observe_requests(side) for side in (before, after)]
    return tuple(
        _change(metric, "ns", observed[0][metric], observed[1][metric], drawn, metric, _TOO_FEW)
        for metric in observed[0]
        if metric.startswith("latency.") or observed[0][metric] or observed[1][metric]
    )


def window_changes(before: WindowSeries, after: WindowSeries) -> tuple[Change, ...]:
    """Throughput, then every idle cause that takes time on a side, and busy time."""
    drawn = [_draw_windows(side, _SEED + index) for index, side in enumerate((before, after))]
    observed = [_observe_windows(side) for side in (before, after)]
    units = {"throughput": "requests/s"}
    return tuple(
        _change(
            metric,
            units.get(metric, "ratio"),
            observed[0][metric],
            observed[1][metric],
            drawn,
            metric,
            _NO_BINS,
        )
        for metric in observed[0]
        if observed[0][metric] or observed[1][metric]
    )


def _change(
    metric: str,
    unit: str,
    before: float | Unavailable,
    after: float | Unavailable,
    drawn: list[Drawn],
    key: str,
    missing: Unavailable,
) -> Change:
    if isinstance(before, Unavailable) or isinstance(after, Unavailable):
        missing = before if isinstance(before, Unavailable) else missing
        missing = after if isinstance(after, Unavailable) else missing
        return Change(metric, unit, before, after, missing, missing)
    if any(key not in side for side in drawn):
        return Change(metric, unit, before, after, missing, missing)
    # Both sides were drawn independently, so any replicate of one goes with any of the other.
    count = min(len(side[key]) for side in drawn)
    difference = drawn[1][key][:count] - drawn[0][key][:count]
    tail = (1 - thresholds.LEVEL) / 2
    low, high = np.quantile(difference, [tail, 1 - tail])
    return Change(metric, unit, before, after, float(low), float(high))


def _replicates(n: int) -> int:
    affordable = thresholds.COUNTS_ALL_CELLS // max(1, n)
    return int(np.clip(affordable, thresholds.REPLICATES_MIN, thresholds.REPLICATES))


def _blocks(values: NDArray[np.float64], lengths: tuple[int, ...]) -> tuple[int, ...]:
    edges = np.cumsum((0, *lengths))
    return tuple(block_length(values[start:end]) for start, end in itertools.pairwise(edges))


def _draw_requests(side: RequestSeries, seed: int) -> Drawn:
    """Replicates of each metric; empty with too few requests."""
    n = len(side.duration_ns)
    if n < thresholds.BLOCKS_MIN:
        return {}
    durations = side.duration_ns.astype(np.float64)
    values = np.column_stack([durations, side.stage_ns.astype(np.float64)])
    order = np.argsort(side.duration_ns, kind="stable")
    found: dict[str, list[NDArray[np.float64]]] = {}
    rng = np.random.default_rng(seed)
    for counts in block_counts(side.lengths, _blocks(durations, side.lengths), rng, _replicates(n)):
        means = means_of(values, counts)
        found.setdefault("latency.mean", []).append(means[:, 0])
        for percent in _PERCENTS:
            drawn = percentile_of(side.duration_ns, order, counts, percent)
            found.setdefault(f"latency.p{percent}", []).append(drawn)
        for stage in STAGES:
            found.setdefault(f"stage.{stage.value}.mean", []).append(means[:, 1 + stage.index])
    return {metric: np.concatenate(parts) for metric, parts in found.items()}


def _observe_requests(side: RequestSeries) -> dict[str, float | Unavailable]:
    latency = describe(side.duration_ns)
    found: dict[str, float | Unavailable] = {
        "latency.mean": latency.mean_ns,
        "latency.p50": latency.p50_ns,
        "latency.p90": latency.p90_ns,
        "latency.p99": latency.p99_ns,
    }
    for stage in STAGES:
        found[f"stage.{stage.value}.mean"] = describe(side.stage_ns[:, stage.index]).mean_ns
    return found


def _draw_windows(side: WindowSeries, seed: int) -> Drawn:
    n = len(side.arrivals)
    if n < thresholds.BLOCKS_MIN:
        return {}
    values = np.column_stack([side.arrivals, side.idle_ratio, 1 - side.idle_ratio.sum(axis=1)])
    blocks = _blocks(side.arrivals, side.lengths)
    rng = np.random.default_rng(seed)
    drawn = block_counts(side.lengths, blocks, rng, thresholds.REPLICATES)
    means = np.concatenate([means_of(values, counts) for counts in drawn])
    return dict(zip(_window_metrics(), _in_units(means, side.width_ns).T, strict=True))


def _observe_windows(side: WindowSeries) -> dict[str, float | Unavailable]:
    if not len(side.arrivals):
        return dict.fromkeys(_window_metrics(), _NO_BINS)
    busy = 1 - side.idle_ratio.sum(axis=1)
    means = np.column_stack([side.arrivals, side.idle_ratio, busy]).mean(axis=0)
    values = _in_units(means[None], side.width_ns)[0].tolist()
    return dict(zip(_window_metrics(), values, strict=True))


def _window_metrics() -> tuple[str, ...]:
    return ("throughput", *(f"idle.{cause.value}" for cause in IDLE_CAUSES), "device.busy")


def _in_units(means: NDArray[np.float64], width_ns: int) -> NDArray[np.float64]:
    """Arrivals a bin to requests a second; the others are ratios already."""
    scaled: NDArray[np.float64] = means.copy()
    scaled[:, 0] *= 1e9 / width_ns
    return scaled
