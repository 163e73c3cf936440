"""Many runs of one setting: the value, and how far it may be off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diag.prediction import thresholds
from diag.prediction.metrics import EXTREMES, METRICS, simulated
from diag.simulation.load import Arrivals
from diag.simulation.server import simulate

if TYPE_CHECKING:
    from diag.prediction.batch_times import BatchTimes
    from diag.prediction.metrics import Metrics
    from diag.prediction.service import Service
    from diag.prediction.workload import Workload
    from diag.simulation.load import Load
    from diag.simulation.options import ServerSettings

_SEED = 20_000_001


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its interval."""

    value: float
    low: float
    high: float


Estimates = dict[str, Estimate]


class Replicates(NamedTuple):
    """How many runs: with the recorded arrivals for the value, with resampled ones around it."""

    value: int
    interval: int


def estimate(
    workload: Workload,
    service: Service,
    settings: ServerSettings,
    rate: float = 1.0,
    runs: Replicates | None = None,
) -> Estimates:
    """Every metric under a setting.

    The value is the mean of runs with the recorded arrivals. The interval comes from runs with
    resampled arrivals, other slow periods, and other values of what the recording does not show.

    Args:
        workload: The load.
        service: Times of batches.
        settings: Of the server.
        rate: Factor on the load: arrivals come so much faster, or there are so many more clients.
        runs: How many; None for as many as an answer of its own is worth. Without any for the
            interval, it is the value alone.
    """
    runs = runs or all_runs(workload)
    made = [
        _run(workload, service.best, settings, scaled(workload, rate), number)
        for number in range(runs.value)
    ]
    drawn = []
    for number in range(runs.interval):
        random = Random(_SEED + number)  # noqa: S311 - a simulation
        load = scaled(workload, rate, random)
        # The first two runs are at both ends of what the recording does not show.
        times = service.drawn(random, float(number) if number < 2 else None)
        drawn.append(_run(workload, times, settings, load, number))
    return {name: _estimate(name, made, drawn) for name in (*METRICS, *EXTREMES)}


def value_of(
    workload: Workload, times: BatchTimes, settings: ServerSettings, rate: float = 1.0
) -> Metrics:
    """One run with the recorded arrivals, for a search over many settings."""
    return _run(workload, times, settings, scaled(workload, rate), 0)


def all_runs(workload: Workload) -> Replicates:
    """As many as ``REQUESTS_MAX`` allows, at least five for the interval."""
    most = thresholds.REQUESTS_MAX // max(1, len(workload.arrivals)) - thresholds.VALUE_RUNS
    return Replicates(thresholds.VALUE_RUNS, max(5, min(thresholds.INTERVAL_RUNS, most)))


def scaled(workload: Workload, rate: float, random: Random | None = None) -> Load:
    """The load at a rate.

    Args:
        workload: The recorded one.
        rate: Factor on it.
        random: To resample blocks of arrivals; None to keep the recorded order.
    """
    clients = workload.clients
    if clients is not None:
        count = max(1, round(clients.count * rate))
        return replace(clients, count=count)
    arrivals, window_ns = workload.arrivals, workload.window_ns
    if rate == 1 and random is None:
        return arrivals
    # At a higher rate more blocks of the recording fit into the window, each compressed.
    block_ns = window_ns / thresholds.BLOCKS
    slots = int(np.ceil(thresholds.BLOCKS * rate))
    order = np.argsort(arrivals.start_ns, kind="stable")
    ordered = arrivals.start_ns[order]
    chosen, start = [], []
    for slot in range(slots):
        block = slot % thresholds.BLOCKS if random is None else random.randrange(thresholds.BLOCKS)
        low, high = np.searchsorted(ordered, (block * block_ns, (block + 1) * block_ns))
        chosen.append(order[low:high])
        start.append((ordered[low:high] + (slot - block) * block_ns) / rate)
    return arrivals.at(np.concatenate(chosen), np.concatenate(start).astype(np.int64))


def _run(
    workload: Workload, times: BatchTimes, settings: ServerSettings, load: Load, seed: int
) -> Metrics:
    random = Random(seed)  # noqa: S311 - a simulation
    window_ns = workload.window_ns
    if isinstance(load, Arrivals):
        run = simulate(settings, times, load, window_ns, random)
        return simulated(run, 0, window_ns)
    # Clients that all begin at once need a while to spread.
    lead_ns = window_ns // 4
    run = simulate(settings, times, load, window_ns + lead_ns, random)
    return simulated(run, lead_ns, window_ns + lead_ns)


def _estimate(name: str, runs: list[Metrics], drawn: list[Metrics]) -> Estimate:
    value = float(np.mean([getattr(run, name) for run in runs]))
    if not drawn:
        return Estimate(value, value, value)
    tail = (1 - thresholds.LEVEL) / 2
    low, high = np.quantile([getattr(run, name) for run in drawn], (tail, 1 - tail))
    return Estimate(value, min(value, float(low)), max(value, float(high)))
