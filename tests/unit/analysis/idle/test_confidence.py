"""How sure a piece is: evidence over it, rivals as near, and the error of the device's clock."""

from __future__ import annotations

from tests.unit.analysis.idle.tables import END, HOST, KERNEL, gpu, row_at, rows, step
from tests.unit.analysis.traces import analyzed

BUSY = step(1, "d:DecodeJpeg 1200..1900us", "k 2010..2020us correlation_id=1")


def test_pieces_no_longer_than_the_clocks_error_are_guesses() -> None:
    # The kernel seems to begin 500 us before its launch: the clocks are off by as much at least.
    late = step(1, "k 2500..2510us correlation_id=1", "j 3400..3410us correlation_id=2")
    stream = gpu(
        f"k 2000..3000us correlation_id=1 {KERNEL}", f"j 3500..8000us correlation_id=2 {KERNEL}"
    )
    analysis = analyzed(HOST + late + END + stream)
    assert row_at(analysis, 3200) == (3000, 3500, "launch", "low", "", "j")
    assert row_at(analysis, 1500)[2:4] == ("preprocess", "high")
    assert row_at(analysis, 1050)[2:4] == ("queue-executor", "low")


def test_without_a_launch_the_clocks_are_not_known_to_match() -> None:
    loose = step(1, "d:DecodeJpeg 1200..1900us")
    text = HOST + loose + END + gpu(f"k 100..200us {KERNEL}", f"k 19000..19100us {KERNEL}")
    assert row_at(analyzed(text), 1500)[2] == "no-demand"
    part = HOST + loose + END + gpu(f"k 3000..3100us {KERNEL}", f"k 19000..19100us {KERNEL}")
    # A device event without a known launch overlaps the run: the run's device is not known.
    assert row_at(analyzed(part), 1500)[2:4] == ("preprocess", "medium")


def test_another_state_as_near_makes_a_cause_doubtful() -> None:
    waits = """
line grpc-2
  SessionRun 1000..9000us id=2 _p=2
line tf_Compute/2
  ExecutorState::Process 6000..8900us id=2 _c=2
    j 6100..6110us correlation_id=2
"""
    stream = gpu(
        f"k 2200..5000us correlation_id=1 {KERNEL}", f"j 6200..8000us correlation_id=2 {KERNEL}"
    )
    alone = analyzed(HOST + BUSY + END + gpu(f"k 2200..5000us correlation_id=1 {KERNEL}"))
    assert row_at(alone, 1500)[2:5] == ("preprocess", "high", "")
    both = analyzed(HOST + BUSY + waits + END + stream)
    assert row_at(both, 1500)[2:5] == ("preprocess", "medium", "queue-executor")


def test_a_state_further_away_is_a_runner_up_that_does_not_matter() -> None:
    done = step(2, "j 500..510us correlation_id=2", begin=300, end=4000)
    stream = gpu(
        f"j 600..800us correlation_id=2 {KERNEL}", f"k 2200..5000us correlation_id=1 {KERNEL}"
    )
    found = row_at(analyzed(HOST + BUSY + done + END + stream), 1500)
    assert found == (1100, 2200, "preprocess", "high", "sync-or-output", "d:DecodeJpeg")


def test_of_runners_up_the_one_that_covers_most_counts() -> None:
    host = step(
        1,
        "cuMemcpyHtoDAsync_v2 2000..5000us correlation_id=5",
        "cuMemAlloc_v2 2000..4000us correlation_id=6",
        "cuModuleLoadData 2000..2400us correlation_id=7",
        "k 6010..6020us correlation_id=1",
    )
    stream = gpu(f"k 6200..7000us correlation_id=1 {KERNEL}")
    analysis = analyzed(HOST + host + END + stream)
    # The burst covers as much of it as the copy does, and comes later in the order.
    assert row_at(analysis, 3000) == (
        2000,
        4000,
        "allocator",
        "medium",
        "transfer",
        "cuMemAlloc_v2",
    )
    assert row_at(analysis, 4500)[2:5] == ("transfer", "high", "preprocess")
    assert "cold-start" not in [row[2] for row in rows(analysis)]
