"""How much batches slow each other down, from their overlap or from the CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

import diag
from diag.analysis import Analysis, analyze
from diag.prediction import thresholds
from diag.prediction.batch_times import RecordedBatches, mean_others
from diag.prediction.contention import find_mutual
from diag.prediction.service import recorded_batches
from diag.testing.gpu_server import SCENARIOS, simulate
from diag.testing.gpu_server.plan import Load
from diag.tuning import tune

LIVE = Path(__file__).parents[2] / "recordings" / "live"
MS = 1_000_000


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """A server that uses 1.12 of two cores; the rest is taken by others."""
    return diag.analyze(diag.open_bundle(LIVE / "b_onethread.zip"))


def recorded(start_ms: list[float], taken_ms: list[float]) -> RecordedBatches:
    start = (np.array(start_ms) * MS).astype(np.int64)
    taken = np.array(taken_ms) * MS
    same = np.zeros(len(start), np.int64)
    others = mean_others(start, start + taken.astype(np.int64))
    return RecordedBatches(same, same + 1, start, taken, others, 1, 3200 * MS)


def test_where_some_batches_run_alone_their_times_tell(analysis: Analysis) -> None:
    # Pairs at once take 18 ms each, single ones 10 ms.
    start = [x for i in range(20) for x in (i * 100, i * 100, i * 100 + 50)]
    found = find_mutual(analysis, recorded(start, [18, 18, 10] * 20))
    assert found.value == pytest.approx(0.8)
    assert found.least == found.most == found.value


def test_one_batch_after_the_other_gains_nothing_from_threads_without_a_free_core(
    analysis: Analysis,
) -> None:
    alone = recorded([i * 10 for i in range(320)], [9.9] * 320)
    assert find_mutual(analysis, alone).value == pytest.approx(1.0, abs=0.02)
    # Busy for a third of the time: it uses all cores that others leave, for as long as it runs.
    assert find_mutual(analysis, recorded([i * 30 for i in range(100)], [10] * 100)).value == 1.0


def test_an_idle_gpu_says_nothing_of_batches_that_overlap(analysis: Analysis) -> None:
    (cpu,) = analysis.idle
    idle = replace(cpu, timeline=replace(cpu.timeline, name="GPU", is_device=True, busy_ns=0))
    both = recorded([i * 10 for i in range(300)], [25.0] * 300)  # always two or three at once
    with_gpu = find_mutual(replace(analysis, idle=(cpu, idle)), both)
    assert with_gpu == find_mutual(analysis, both)
    assert with_gpu.value < 1
    hardly = replace(idle, timeline=replace(idle.timeline, busy_ns=3 * MS))
    assert find_mutual(replace(analysis, idle=(cpu, hardly)), both) == with_gpu


def test_without_samples_the_range_is_wide(analysis: Analysis) -> None:
    blind = replace(analysis, samples=(), capture=analysis.capture)
    alone = recorded([i * 10 for i in range(320)], [9.9] * 320)
    assert tuple(find_mutual(blind, alone)) == thresholds.MUTUAL_UNSEEN


def test_resampled_batches_keep_their_parts_of_the_window_together() -> None:
    batches = recorded([i * 10 for i in range(320)], [1 + i for i in range(320)])
    again = batches.resampled(Random(1))
    assert len(again.rows) == 320
    assert (np.diff(again.start_ns) >= 0).all()
    # 16 batches are in each twentieth of the window.
    parts = again.taken_ns.reshape(20, 16)
    assert (np.diff(parts, axis=1) == MS).all()
    assert len(set(parts[:, 0].tolist())) < 20


def test_two_batches_on_one_gpu_gain_little() -> None:
    plan = SCENARIOS["batch-size-too-small"].plan
    model = replace(plan.models[0], load=Load(rate_per_s=600))
    plan = replace(plan, models=(model,), batch_threads=1)
    analysis = analyze(simulate(plan, seed=1).capture())
    found = find_mutual(analysis, recorded_batches(analysis))
    assert found.value > 0.7  # a run is on the GPU for 2.07 of 2.2 ms
    made = tune(analysis, {"num_batch_threads": 2}).prediction
    rerun = analyze(simulate(replace(plan, batch_threads=2), seed=1).capture()).requests
    reached_ms = float(rerun.duration_ns[rerun.complete].mean()) / 1e6
    assert isinstance(made, dict)
    assert made["mean_ms"].low < reached_ms < made["mean_ms"].high
