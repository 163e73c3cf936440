"""The best setting that a search finds, and how much load a setting bears."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from diag.errors import UsageError
from diag.prediction.changes import SIZES
from diag.prediction.replicates import value_of
from diag.prediction.thresholds import NO_LIMIT
from diag.tuning import thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from diag.prediction.batch_times import BatchTimes
    from diag.prediction.changes import Changes
    from diag.prediction.metrics import Metrics
    from diag.prediction.workload import Workload
    from diag.simulation.options import ServerSettings

# Objective -> metric, and whether more is better.
OBJECTIVES = {
    "p99": ("p99_ms", False),
    "mean": ("mean_ms", False),
    "throughput": ("throughput_per_s", True),
    "device-seconds": ("batch_ms_per_request", False),
}
LIMITED = ("mean_ms", "p50_ms", "p90_ms", "p99_ms")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A setting and what one run of it gave."""

    changes: Changes = field(hash=False)
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Search:
    """A search over settings.

    Attributes:
        workload: The load.
        times: Of batches.
        objective: A key of OBJECTIVES.
        limits_ms: The most that a latency may be, by metric.
        rate: Factor on the load.
    """

    workload: Workload
    times: BatchTimes
    objective: str
    limits_ms: Mapping[str, float]
    rate: float

    def best(self) -> tuple[Candidate, tuple[Candidate, ...]]:
        """The best setting, and all that none other beats in p99 and in time of batches.

        One parameter at a time is changed, round after round, as long as that helps by
        ``SEARCH_MIN_GAIN``: a change that brings less is not worth a restart.
        """
        seen: dict[ServerSettings, Candidate] = {}
        best = self._tried({}, seen)
        if best is None:
            raise UsageError("the settings of the recording cannot be simulated")
        for _ in range(thresholds.SEARCH_ROUNDS):
            begin = best
            for options in self._steps():
                for change in options:
                    if len(seen) * len(self.workload.arrivals) > thresholds.SEARCH_REQUESTS_MAX:
                        break
                    tried = self._tried({**best.changes, **change}, seen)
                    if tried is not None and self._beats(tried, best):
                        best = tried
            if best is begin:
                break
        return best, _not_beaten(list(seen.values()))

    def _tried(self, changes: Changes, seen: dict[ServerSettings, Candidate]) -> Candidate | None:
        try:
            settings = self.workload.changed(changes)
        except UsageError:
            return None
        if settings not in seen:
            made = value_of(self.workload, self.times, settings, self.rate)
            seen[settings] = Candidate(changes, made)
        return seen[settings]

    def _beats(self, tried: Candidate, best: Candidate) -> bool:
        """Fewer refusals first, then fewer broken limits, then the objective.

        A server that refuses more answers the rest faster: that is no betterment.
        """
        for cost in (_refused, self._broken):
            new, old = cost(tried.metrics), cost(best.metrics)
            if abs(new - old) > thresholds.SEARCH_MIN_GAIN:
                return new < old
        metric, is_more_better = OBJECTIVES[self.objective]
        new, old = getattr(tried.metrics, metric), getattr(best.metrics, metric)
        if is_more_better:
            new, old = -new, -old
        return bool(new < old - thresholds.SEARCH_MIN_GAIN * abs(old))

    def _broken(self, metrics: Metrics) -> float:
        """By how much the limits are broken, as a ratio; 0 if they hold."""
        return math.fsum(
            max(0.0, getattr(metrics, name) / most - 1) for name, most in self.limits_ms.items()
        )

    def _steps(self) -> Iterator[list[Changes]]:
        """Values to try, one list a parameter."""
        busiest = int(np.bincount(self.workload.arrivals.queue).argmax())
        options = self.workload.changeable.queues[busiest]
        assert options is not None
        full, now_us = options.full_rows, options.batch_timeout_ns // 1000
        most = thresholds.SEARCH_MOST_ROWS_FACTOR * self.times.recorded_rows
        sizes = sorted({full // 2, *(full * factor for factor in (2, 4, 8))})
        name = (
            "max_execution_batch_size" if options.enable_large_batch_splitting else "max_batch_size"
        )
        least = int(self.workload.arrivals.rows.max())
        longer: Changes = {"max_enqueued_batches": thresholds.SEARCH_ENQUEUED}
        if not self.workload.is_batched or full == NO_LIMIT:
            first = [size for size in thresholds.SEARCH_FIRST_ROWS if size >= least]
            yield [{name: size, **longer} for size in first or [least]]
        else:
            if options.max_enqueued_batches < thresholds.SEARCH_ENQUEUED:
                yield [longer]
            yield [{name: size} for size in sizes if least <= size <= max(most, full)]
        timeouts = sorted({now_us // 2, *thresholds.SEARCH_TIMEOUTS_MICROS})
        yield [{"batch_timeout_micros": micros} for micros in timeouts if micros != now_us]
        yield [{"num_batch_threads": number} for number in thresholds.SEARCH_THREADS]
        if options.allowed_batch_sizes:
            doubled = [1]
            while 2 * doubled[-1] < full:
                doubled.append(2 * doubled[-1])
            yield [{SIZES: (*doubled, full)}]


def _refused(metrics: Metrics) -> float:
    return metrics.refused_ratio


def headroom_per_s(
    workload: Workload,
    times: BatchTimes,
    settings: ServerSettings,
    limits_ms: Mapping[str, float],
) -> float:
    """Answered requests per second at the highest load that keeps the limits; 0 if none does.

    No more requests may be refused than at the recorded load.
    """
    first = value_of(workload, times, settings)

    def holds(made: Metrics) -> bool:
        keeps = all(getattr(made, name) <= most for name, most in limits_ms.items())
        # A queue that grows answers ever fewer of the requests that came.
        return keeps and made.refused_ratio <= first.refused_ratio + thresholds.SEARCH_MIN_GAIN

    low, best, high = 0.0, 0.0, 1.0
    made = first
    while holds(made) and high < thresholds.HEADROOM_MOST_RATE:
        low, best, high = high, made.throughput_per_s, high * 1.5
        made = value_of(workload, times, settings, high)
    for _ in range(thresholds.HEADROOM_STEPS):
        middle = (low + high) / 2
        made = value_of(workload, times, settings, middle)
        if holds(made):
            low, best = middle, made.throughput_per_s
        else:
            high = middle
    return best


def _not_beaten(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Those that no other beats in both p99 and time of batches; by p99."""
    found: list[Candidate] = []
    for each in sorted(
        candidates, key=lambda c: (c.metrics.p99_ms, c.metrics.batch_ms_per_request)
    ):
        if not found or each.metrics.batch_ms_per_request < found[-1].metrics.batch_ms_per_request:
            found.append(each)
    return tuple(found)
