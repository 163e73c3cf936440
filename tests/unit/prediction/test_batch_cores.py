"""Cores of a batch, from samples made of a known number of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import diag
from diag.analysis import Analysis
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries
from diag.prediction.batch_cores import BatchCores, find_batch_cores
from diag.prediction.batch_times import RecordedBatches, mean_others
from diag.prediction.contention import find_mutual

LIVE = Path(__file__).parents[2] / "recordings" / "live"
MS = 1_000_000
PERIOD_NS = 50 * MS


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Of a machine with two cores, of which other processes take 0.87."""
    return diag.analyze(diag.open_bundle(LIVE / "b_onethread.zip"))


def batches(*start_ms: float, taken_ms: float = 10) -> RecordedBatches:
    start = (np.array(start_ms) * MS).astype(np.int64)
    taken = np.full(len(start), taken_ms * MS)
    same = np.zeros(len(start), np.int64)
    others = mean_others(start, start + taken.astype(np.int64))
    return RecordedBatches(same, same + 1, start, taken, others, 1, 3000 * MS)


# Ever more of them in each second, so that more and fewer run.
CROWDED = batches(*(1000 * np.sqrt(np.arange(0, 9, 0.06))))
EVEN = batches(*np.arange(0, 3000, 20))


def sampled(
    analysis: Analysis, recorded: RecordedBatches, each: float, rest: float, noise: float = 0
) -> Analysis:
    """The analysis with samples of a server whose batches take so many cores."""
    capture, random = analysis.capture, np.random.default_rng(3)
    series = capture.host_samples
    assert not isinstance(series, Unavailable)
    assert isinstance(capture.origin_unix_ns, int)
    (sync,) = (sync for sync in capture.clocks if sync.source == series.source)
    window_ns = capture.origin_unix_ns - sync.offset_ns + capture.window.start_ns
    end_ns = recorded.start_ns + recorded.taken_ns.astype(np.int64)
    samples = []
    for at in range(0, 3000 * MS, PERIOD_NS):
        low, high = at - PERIOD_NS, at
        inside = np.minimum(end_ns, high) - np.maximum(recorded.start_ns, low)
        cores = rest + each * float(np.maximum(0, inside).sum()) / PERIOD_NS
        percent = 100 * (cores + noise * random.standard_normal())
        samples.append(
            {"unix_ns": window_ns + at, "server_cpu_percent": percent, "cpu_percent": [50.0] * 2}
        )
    made = SampleSeries(series.source, PERIOD_NS, series.units, tuple(samples))
    return replace(analysis, capture=replace(capture, host_samples=made))


def test_the_line_gives_the_cores_of_a_batch(analysis: Analysis) -> None:
    found = find_batch_cores(sampled(analysis, CROWDED, 1.5, 0.25), CROWDED)
    assert found is not None
    assert found.each == pytest.approx(1.5, abs=0.01)
    assert found.rest == pytest.approx(0.25, abs=0.01)
    assert found.each_error < 0.01
    noisy = find_batch_cores(sampled(analysis, CROWDED, 1.5, 0.25, noise=0.1), CROWDED)
    assert noisy is not None
    assert abs(noisy.each - 1.5) < 3 * noisy.each_error


@pytest.mark.parametrize(
    ("recorded", "each", "noise"),
    [(EVEN, 1.0, 0.02), (CROWDED, 0.0, 0.1), (CROWDED, -0.5, 0.02), (CROWDED, 1.0, 1.0)],
    ids=["as many at any time", "none", "fewer with more batches", "noise"],
)
def test_samples_that_say_too_little_give_none(
    analysis: Analysis, recorded: RecordedBatches, each: float, noise: float
) -> None:
    assert find_batch_cores(sampled(analysis, recorded, each, 1.0, noise), recorded) is None


def test_without_samples_or_their_clock_there_is_none(analysis: Analysis) -> None:
    blind = replace(analysis, capture=replace(analysis.capture, host_samples=Unavailable("remote")))
    assert find_batch_cores(blind, CROWDED) is None
    adrift = replace(analysis, capture=replace(analysis.capture, clocks=()))
    assert find_batch_cores(adrift, CROWDED) is None


def test_two_batches_of_one_core_fit_on_two(analysis: Analysis) -> None:
    one = find_mutual(sampled(analysis, CROWDED, 0.5, 0.05), CROWDED)
    two = find_mutual(sampled(analysis, CROWDED, 2.0, 0.05), CROWDED)
    assert one.value < 0.3
    assert two.value > 0.6
    assert isinstance(find_batch_cores(sampled(analysis, CROWDED, 2.0, 0.05), CROWDED), BatchCores)
