"""How long a batch takes: by its size, and with its spread."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from diag.prediction import thresholds
from diag.prediction.hold_ups import find_hold_ups

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

    from diag.model.events import Int64s
    from diag.prediction.hold_ups import HoldUps


@dataclass(frozen=True, slots=True)
class SizeCurve:
    """Median time of a batch that runs alone, by its executed rows.

    Attributes:
        sizes: Recorded sizes, ascending.
        median_ns: Median time of each; never falls with the size.
        row_ns: Time of a further row beyond the recorded sizes.
        row_least_ns: The least that it can be.
        row_most_ns: The most.
    """

    sizes: tuple[int, ...]
    median_ns: tuple[float, ...]
    row_ns: float
    row_least_ns: float
    row_most_ns: float

    def time_ns(self, rows: int) -> float:
        """Between recorded sizes by a straight line, beyond them by the cost of a row."""
        sizes, median_ns = self.sizes, self.median_ns
        if rows >= sizes[-1]:
            return median_ns[-1] + self.row_ns * (rows - sizes[-1])
        if rows <= sizes[0]:
            least = median_ns[0] * rows / sizes[0]
            return max(least, median_ns[0] - self.row_ns * (sizes[0] - rows))
        above = bisect_left(sizes, rows)
        low, high = sizes[above - 1], sizes[above]
        part = (rows - low) / (high - low)
        return median_ns[above - 1] * (1 - part) + median_ns[above] * part

    def between(self, part: float) -> SizeCurve:
        """The same with another cost of a row: 0 for the least that it can be, 1 for the most."""
        row_ns = self.row_least_ns + part * (self.row_most_ns - self.row_least_ns)
        return replace(self, row_ns=row_ns)


@dataclass(frozen=True, slots=True, eq=False)
class RecordedBatches:
    """The batches that ran, and how they overlapped.

    Attributes:
        queue: (n,) index of the queue.
        rows: (n,) as executed.
        start_ns: (n,) ascending; 0 is the begin of the window.
        taken_ns: (n,) from begin to end.
        others: (n,) how many other batches ran meanwhile, on average over that time.
        queues: Number of queues.
        window_ns: Length of the recording.
    """

    queue: Int64s
    rows: Int64s
    start_ns: Int64s
    taken_ns: NDArray[np.float64]
    others: NDArray[np.float64]
    queues: int
    window_ns: int

    def resampled(self, random: Random) -> RecordedBatches:
        """As many parts of the window, drawn with repeats and put one after the other.

        Slow periods of the machine come more or less often then, and at other times.
        """
        block_ns = self.window_ns / thresholds.BLOCKS
        edges = np.searchsorted(self.start_ns, np.arange(thresholds.BLOCKS + 1) * block_ns)
        chosen, start = [], []
        for slot in range(thresholds.BLOCKS):
            block = random.randrange(thresholds.BLOCKS)
            mine = np.arange(edges[block], edges[block + 1])
            chosen.append(mine)
            start.append(self.start_ns[mine] + round((slot - block) * block_ns))
        at = np.concatenate(chosen)
        if not len(at):
            return self
        return replace(
            self,
            queue=self.queue[at],
            rows=self.rows[at],
            start_ns=np.concatenate(start),
            taken_ns=self.taken_ns[at],
            others=self.others[at],
        )

    def times(self, mutual: float) -> BatchTimes:
        """Times of batches, if each other running batch slows one down by so much."""
        work = self.taken_ns / (1 + mutual * self.others)
        curves, expected = [], np.ones(len(work))
        for index in range(self.queues):
            mine = self.queue == index
            curve = _curve(self.rows[mine], work[mine]) if mine.any() else _curve(self.rows, work)
            expected[mine] = [curve.time_ns(size) for size in self.rows[mine].tolist()]
            curves.append(curve)
        expected = np.maximum(expected, 1)
        ratio = np.minimum(work / expected, thresholds.HELD_UP_RATIO)
        hold_ups = find_hold_ups(self.start_ns, ratio * expected, work, self.taken_ns)
        return BatchTimes(
            curves=tuple(curves),
            start_ns=self.start_ns.tolist(),
            ratio=ratio.tolist(),
            hold_ups=hold_ups,
            mutual=mutual,
            work_ns_sum=float(work.sum()),
            window_ns=self.window_ns,
        )


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """Times of batches for a simulation; see ``diag.simulation.server.ServiceTimes``.

    A simulated batch deviates from the median of its size as one of the recorded batches near its
    time did, so that slow periods of the machine stay together. Where a recorded batch took more
    than ``HELD_UP_RATIO`` of the median, the rest was a time in which it was held up.

    Attributes:
        curves: By queue.
        start_ns: Begin of each recorded batch, ascending; 0 is the begin of the window.
        ratio: Its time over the median of its size, at most ``HELD_UP_RATIO``.
        hold_ups: When batches were held up.
        mutual: By how much each other running batch slows a batch down: k of them run at the speed
            ``1 / (1 + mutual * (k - 1))``.
        work_ns_sum: Time of all recorded batches, each as if it ran alone.
        window_ns: Length of the recording; later times begin again.
        pace: Factor on all times.
    """

    curves: tuple[SizeCurve, ...]
    start_ns: list[int]
    ratio: list[float]
    hold_ups: HoldUps
    mutual: float
    work_ns_sum: float
    window_ns: int
    pace: float = 1.0
    _cache: dict[tuple[int, int], float] = field(default_factory=dict)

    def work_ns(self, queue: int, padded_rows: int, now_ns: int, random: Random) -> float:
        """Time of a batch that starts now and runs alone, ns."""
        key = (queue, padded_rows)
        median_ns = self._cache.get(key)
        if median_ns is None:
            median_ns = self._cache[key] = self.curves[queue].time_ns(padded_rows)
        now_ns %= self.window_ns
        at = bisect_left(self.start_ns, now_ns)
        near = at + random.randrange(-thresholds.NEAR_BATCHES // 2, thresholds.NEAR_BATCHES // 2)
        took_ns = self.pace * median_ns * self.ratio[near % len(self.ratio)]
        if at == len(self.start_ns) or (
            at and now_ns - self.start_ns[at - 1] < self.start_ns[at] - now_ns
        ):
            at -= 1
        return took_ns + self.hold_ups.keeps_ns(now_ns, now_ns + took_ns, at)

    def slowdown(self, running: int) -> float:
        """By what factor each of so many batches takes longer than alone."""
        return 1 + self.mutual * (running - 1)

    @property
    def recorded_rows(self) -> int:
        """The largest recorded batch, as executed."""
        return max(curve.sizes[-1] for curve in self.curves)

    @property
    def least_recorded_rows(self) -> int:
        """The same of the queue with the smallest batches."""
        return min(curve.sizes[-1] for curve in self.curves)

    def is_extrapolated(self, rows: int) -> bool:
        """Whether a queue has no recorded batch of that size or larger."""
        return rows > self.least_recorded_rows


def mean_others(start: Int64s, end: Int64s) -> NDArray[np.float64]:
    """(n,) how many other batches ran during each one, on average over its time."""
    edges = np.concatenate((start, end))
    change = np.concatenate((np.ones(len(start)), -np.ones(len(end))))
    order = np.argsort(edges, kind="stable")
    at, running = edges[order], np.cumsum(change[order])
    area = np.concatenate(([0.0], np.cumsum(running[:-1] * np.diff(at))))
    covered = np.interp(end, at, area) - np.interp(start, at, area)
    return np.asarray(np.maximum(0.0, covered / np.maximum(1, end - start) - 1), np.float64)


def _curve(rows: Int64s, work: NDArray[np.float64]) -> SizeCurve:
    """Medians by size, made to rise with the size (pool adjacent violators).

    A few batches that the machine held up would tilt means: the deviations from the curve keep
    such times, whatever the size.
    """
    sizes, code = np.unique(np.maximum(rows, 1), return_inverse=True)
    count = np.bincount(code)
    median = [float(np.median(work[code == index])) for index in range(len(sizes))]
    blocks: list[list[float]] = []  # time, weight, sizes
    for value, weight in zip(median, count.tolist(), strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            last, before = blocks.pop(), blocks[-1]
            weight_sum = before[1] + last[1]
            before[0] = (before[0] * before[1] + last[0] * last[1]) / weight_sum
            before[1], before[2] = weight_sum, before[2] + last[2]
    rising = np.repeat([b[0] for b in blocks], [int(b[2]) for b in blocks])
    cost, least, most = _row_cost(sizes, count, rising)
    return SizeCurve(tuple(sizes.tolist()), tuple(rising.tolist()), cost, least, most)


def _row_cost(
    sizes: Int64s, count: Int64s, mean: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Time of a further row, its least and its most; between nothing and in proportion."""
    proportional = float(mean[-1] / sizes[-1])
    if len(sizes) < 2:
        return thresholds.ROW_UNSEEN * proportional, 0.0, proportional
    weight = np.asarray(count, np.float64)
    middle = float(np.average(sizes, weights=weight))
    slope = float(np.sum(weight * (sizes - middle) * mean) / np.sum(weight * (sizes - middle) ** 2))
    cost = min(max(0.0, slope), proportional)
    error = thresholds.EXTRAPOLATED_MAX_ERROR * max(cost, proportional / 4)
    return cost, max(0.0, cost - error), min(proportional, cost + error)
