"""Each metric before and after, with the interval of its difference."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.distribution import describe
from diag.comparison import thresholds
from diag.comparison.bootstrap import Blocks, block_counts, blocks_of, means_of, percentiles_of
from diag.comparison.result import Change
from diag.comparison.series import RequestSeries
from diag.model.availability import Unavailable
from diag.model.gaps import IDLE_CAUSES
from diag.model.serving import STAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.comparison.series import WindowSeries

_SEED = 0  # the same captures give the same intervals
_PERCENTS = (50, 90, 99)
_TOO_FEW = Unavailable(f"fewer than {thresholds.REQUESTS_MIN} requests on a side")
_TOO_LONG = Unavailable("requests depend on earlier ones over too long a time: record for longer")
_NO_BINS = Unavailable("the windows are too short")

Drawn = dict[str, "NDArray[np.float64]"]


def request_changes(before: RequestSeries, after: RequestSeries) -> tuple[Change, ...]:
    """Latency (mean, p50, p90, p99), then the mean of every stage that takes time on a side."""
    sides = before, after
    drawn = [_draw_requests(side, _SEED + index) for index, side in enumerate(sides)]
    observed = [_observe_requests(side) for side in sides]
    fewest = min(len(side.duration_ns) for side in sides)
    return tuple(
        _change(metric, "ns", observed[0][metric], observed[1][metric], drawn, _why(metric, fewest))
        for metric in observed[0]
        if metric.startswith("latency.") or observed[0][metric] or observed[1][metric]
    )


def _why(metric: str, fewest: int) -> Unavailable:
    """Why a metric has no interval, where it has none."""
    if fewest < thresholds.REQUESTS_MIN:
        return _TOO_FEW
    head, _, percent = metric.partition("latency.p")
    if not head and percent.isdecimal() and fewest < tail_requests(int(percent)):
        return Unavailable(f"{fewest} requests, {tail_requests(int(percent))} needed")
    return _TOO_LONG


def tail_requests(percent: int) -> int:
    """Requests that the interval of a percentile needs."""
    return thresholds.TAIL_MIN * 100 // (100 - percent)


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
    missing: Unavailable,
) -> Change:
    if isinstance(before, Unavailable) or isinstance(after, Unavailable):
        missing = before if isinstance(before, Unavailable) else missing
        missing = after if isinstance(after, Unavailable) else missing
        return Change(metric, unit, before, after, missing, missing)
    if any(metric not in side for side in drawn):
        return Change(metric, unit, before, after, missing, missing)
    # Both sides were drawn independently, so any replicate of one goes with any of the other.
    difference = drawn[1][metric] - drawn[0][metric]
    tail = (1 - thresholds.LEVEL) / 2
    low, high = np.quantile(difference, [tail, 1 - tail])
    return Change(metric, unit, before, after, float(low), float(high))


def _blocks(values: NDArray[np.float64], lengths: tuple[int, ...]) -> list[Blocks] | None:
    """Of each capture; None where one is worth too few independent values."""
    edges = np.cumsum((0, *lengths))
    found = [blocks_of(values[start:end]) for start, end in itertools.pairwise(edges)]
    known = [blocks for blocks in found if blocks is not None]
    return known if len(known) == len(found) else None


def _widened(
    drawn: NDArray[np.float64], observed: NDArray[np.float64], blocks: list[Blocks]
) -> NDArray[np.float64]:
    """Replicates, spread as wide as the least certain capture demands.

    Args:
        drawn: (metrics, replicates).
        observed: (metrics, 1) of the values that were resampled.
        blocks: Of each capture.
    """
    wider: NDArray[np.float64] = observed + (drawn - observed) * max(b.widening for b in blocks)
    return wider


def _thinned(side: RequestSeries) -> RequestSeries:
    """At most ``RESAMPLED_MAX`` requests, at equal distances in time order."""
    step = -(-len(side.duration_ns) // thresholds.RESAMPLED_MAX)
    if step <= 1:
        return side
    edges = np.cumsum((0, *side.lengths))
    kept = np.concatenate([np.arange(a, b, step) for a, b in itertools.pairwise(edges)])
    return RequestSeries(
        side.duration_ns[kept],
        side.stage_ns[kept],
        side.rows[kept],
        tuple(-(-n // step) for n in side.lengths),
    )


def _draw_requests(whole: RequestSeries, seed: int) -> Drawn:
    """Replicates of each metric that can have an interval."""
    if len(whole.duration_ns) < thresholds.REQUESTS_MIN:
        return {}
    side = _thinned(whole)
    durations = side.duration_ns.astype(np.float64)
    blocks = _blocks(durations, side.lengths)
    if blocks is None:
        return {}
    percents = tuple(p for p in _PERCENTS if len(whole.duration_ns) >= tail_requests(p))
    values = np.column_stack([durations, side.stage_ns.astype(np.float64)])
    order = np.argsort(side.duration_ns, kind="stable")
    names = (
        "latency.mean",
        *(f"stage.{stage.value}.mean" for stage in STAGES),
        *(f"latency.p{percent}" for percent in percents),
    )

    def measure(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = [*means_of(values, counts).T]
        columns += percentiles_of(side.duration_ns, order, counts, percents)
        return np.stack(columns)

    rng = np.random.default_rng(seed)
    lengths = tuple(each.length for each in blocks)
    counts = block_counts(side.lengths, lengths, rng, thresholds.REPLICATES)
    drawn = np.concatenate([measure(some) for some in counts], axis=1)
    once = measure(np.ones((1, len(durations))))
    return dict(zip(names, _widened(drawn, once, blocks), strict=True))


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
    blocks = _blocks(side.arrivals, side.lengths) if len(side.arrivals) else None
    if blocks is None:
        return {}
    rng = np.random.default_rng(seed)
    lengths, columns = tuple(each.length for each in blocks), _columns(side)
    counts = block_counts(side.lengths, lengths, rng, thresholds.REPLICATES)
    means = np.concatenate([means_of(columns, some) for some in counts]).T
    wider = _widened(means, columns.mean(axis=0)[:, None], blocks)
    return dict(zip(_window_metrics(side), _in_units(wider.T, side.width_ns).T, strict=True))


def _observe_windows(side: WindowSeries) -> dict[str, float | Unavailable]:
    found: dict[str, float | Unavailable] = dict.fromkeys(_ALL_WINDOW_METRICS, _NO_BINS)
    if len(side.arrivals):
        means = _columns(side).mean(axis=0)
        values = _in_units(means[None], side.width_ns)[0].tolist()
        found |= dict(zip(_window_metrics(side), values, strict=True))
    if isinstance(side.idle_ratio, Unavailable):
        found |= dict.fromkeys(_ALL_WINDOW_METRICS[1:], side.idle_ratio)
    return found


_ALL_WINDOW_METRICS = (
    "throughput",
    *(f"idle.{cause.value}" for cause in IDLE_CAUSES),
    "device.busy",
)


def _window_metrics(side: WindowSeries) -> tuple[str, ...]:
    known = not isinstance(side.idle_ratio, Unavailable)
    return _ALL_WINDOW_METRICS if known else _ALL_WINDOW_METRICS[:1]


def _columns(side: WindowSeries) -> NDArray[np.float64]:
    """(bins, metrics) values of the metrics of a window."""
    if isinstance(side.idle_ratio, Unavailable):
        return side.arrivals[:, None]
    busy = 1 - side.idle_ratio.sum(axis=1)
    return np.column_stack([side.arrivals, side.idle_ratio, busy])


def _in_units(means: NDArray[np.float64], width_ns: int) -> NDArray[np.float64]:
    """Arrivals a bin to requests a second; the others are ratios already."""
    scaled: NDArray[np.float64] = means.copy()
    scaled[:, 0] *= 1e9 / width_ns
    return scaled
