"""Searches over the settings of simulated servers with known times of batches."""

from __future__ import annotations

import numpy as np
import pytest

from diag.prediction.batch_times import BatchTimes, SizeCurve
from diag.prediction.hold_ups import HoldUps
from diag.prediction.workload import Workload
from diag.simulation.load import Arrivals
from diag.simulation.options import QueueOptions, ServerSettings
from diag.tuning.search import Search, headroom_per_s

MS = 1_000_000


def times(sizes: tuple[int, ...], mean_ms: tuple[float, ...]) -> BatchTimes:
    curve = SizeCurve(sizes, tuple(ms * MS for ms in mean_ms), 0.1 * MS, 0.0, 0.2 * MS)
    return BatchTimes((curve,), [0], [1.0], HoldUps([], [], {}), 1.0, 0.0, 1000 * MS)


def workload(options: QueueOptions, per_second: int, threads: int = 1) -> Workload:
    start = np.arange(per_second) * (1000 * MS // per_second)
    nothing = np.zeros(per_second, np.int64)
    load = Arrivals(start, nothing, nothing, nothing + 1, nothing)
    settings = ServerSettings((options,), (0,), (threads,))
    return Workload(load, None, settings, settings, 1000 * MS, ())


def test_a_timeout_that_only_costs_time_goes() -> None:
    search = Search(
        workload(QueueOptions(8, 20 * MS), 50), times((1, 8), (2, 3)), "mean", {}, rate=1.0
    )
    best, not_beaten = search.best()
    assert best.changes == {"batch_timeout_micros": 0}
    assert best.metrics.mean_ms == pytest.approx(2, abs=0.1)
    # Waiting makes larger batches, which cost less by request.
    batch_ms = [each.metrics.batch_ms_per_request for each in not_beaten]
    assert len(batch_ms) > 1
    assert batch_ms == sorted(batch_ms, reverse=True)


def test_refusals_are_never_the_way_to_a_lower_latency() -> None:
    overloaded = workload(QueueOptions(4, MS, max_enqueued_batches=2), 800)
    search = Search(overloaded, times((1, 4), (4, 6)), "p99", {"p99_ms": 20.0}, rate=1.0)
    best, _ = search.best()
    assert best.metrics.refused_ratio < 0.02
    assert best.changes["max_batch_size"] in (8, 16, 32)


def test_the_headroom_is_what_the_threads_can_do() -> None:
    # One row a batch of 2 ms and one thread: 500 requests/s at most.
    alone = workload(QueueOptions(1), 100)
    bears = headroom_per_s(alone, times((1,), (2,)), alone.settings, {"p99_ms": 20.0})
    assert 450 <= bears <= 510
