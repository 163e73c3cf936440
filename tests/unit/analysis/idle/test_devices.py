"""Several GPUs, unused ones, planes without events, and none: what concerns which (us)."""

from __future__ import annotations

import pytest

from diag.analysis.idle import CPU_TIMELINE
from tests.unit.analysis.idle.tables import END, HOST, KERNEL, gpu, row_at, rows, step
from tests.unit.analysis.traces import QUEUE_A, QUEUE_B, analyzed, tiles_exactly

ON_0 = step(1, "k 2010..2020us correlation_id=1", begin=1000, end=4000)
ON_1 = step(2, "k 12010..12020us correlation_id=2", begin=11000, end=13000)
STREAM_0 = gpu(f"k 2200..3000us correlation_id=1 {KERNEL}")
STREAM_1 = gpu(f"k 12200..12900us correlation_id=2 {KERNEL}", ordinal=1)


def test_each_gpu_is_explained_by_the_requests_that_use_it() -> None:
    analysis = analyzed(HOST + ON_0 + ON_1 + END + STREAM_0 + STREAM_1)
    assert [row[:3] for row in rows(analysis, 0)] == [
        (0, 1000, "trace-edge"),
        (1000, 1100, "queue-executor"),
        (1100, 2200, "preprocess"),
        (3000, 4000, "sync-or-output"),
        # The other request is open from 11000 to 13000, and does not concern this one.
        (4000, 17000, "no-demand"),
        (17000, 20000, "trace-edge"),
    ]
    assert [row[:3] for row in rows(analysis, 1)] == [
        (0, 2000, "trace-edge"),
        (2000, 11000, "no-demand"),
        (11000, 11100, "queue-executor"),
        (11100, 12200, "preprocess"),
        (12900, 13000, "sync-or-output"),
        (13000, 18000, "no-demand"),
        (18000, 20000, "trace-edge"),
    ]
    assert [idle.waiting_ns for idle in analysis.idle] == [2_200_000, 1_300_000]
    at_11500 = [row_at(analysis, 11500, timeline) for timeline in (0, 1)]
    assert [row[2] for row in at_11500] == ["no-demand", "preprocess"]
    assert tiles_exactly(analysis)


def test_a_gpu_without_work_has_no_demand_if_another_has_work() -> None:
    # The device of the late run is not known, but it is not the unused one.
    late = step(3, "d:DecodeJpeg 14200..18000us", begin=14000, end=19000)
    analysis = analyzed(HOST + ON_0 + late + END + STREAM_0 + gpu(ordinal=1))
    assert rows(analysis, 1) == [(0, 20000, "no-demand", "high", "", "")]
    assert analysis.timelines[1].busy_ns == 0
    assert analysis.idle[1].no_demand_ns == 20_000_000
    assert analysis.idle[1].waiting_ns == 0
    assert not analysis.gaps.waiting_requests[analysis.gaps.timeline_index == 1].any()


def test_planes_without_any_work_leave_the_execution_on_the_cpu() -> None:
    host = HOST + step(1, "m:MatMul 2000..2100us")
    empty = analyzed(host + END + gpu() + gpu(ordinal=1))
    assert [timeline.name for timeline in empty.timelines] == [CPU_TIMELINE]
    assert rows(empty) == rows(analyzed(host + END))


def test_causes_of_devices_do_not_occur_on_the_cpu() -> None:
    calls = step(1, "cuMemAlloc_v2 1200..1500us", "cuMemcpyHtoDAsync_v2 1600..1700us")
    text = HOST + calls.replace("ExecutorState::Process", "Other") + END
    causes = {row[2] for row in rows(analyzed(text))}
    assert not causes & {"profiler", "allocator", "transfer", "launch"}


def test_a_run_whose_device_is_not_known_concerns_every_gpu() -> None:
    # Open beyond the window's last record of a device: it may have been about to launch.
    late = step(3, "d:DecodeJpeg 14200..18000us", begin=14000, end=19000)
    analysis = analyzed(HOST + ON_0 + ON_1 + late + END + STREAM_0 + STREAM_1)
    for timeline in (0, 1):
        assert row_at(analysis, 16000, timeline)[2:4] == ("preprocess", "medium")
        assert row_at(analysis, 18950, timeline)[2:4] == ("trace-edge", "low")


def test_a_run_that_computes_on_the_host_alone_asks_nothing_of_a_gpu() -> None:
    ranker = step(3, "ranker:MatMul 5200..8000us", begin=5000, end=9000)
    analysis = analyzed(HOST + ON_0 + ON_1 + ranker + END + STREAM_0 + STREAM_1)
    for timeline in (0, 1):
        assert row_at(analysis, 7000, timeline)[2] == "no-demand"


def test_what_runs_the_graph_of_such_runs_asks_nothing_either_beyond_the_records() -> None:
    rankers = step(3, "ranker:MatMul 5200..8000us", begin=5000, end=9000) + step(
        4, "ranker:MatMul 14200..16000us", begin=14000, end=16500
    )
    analysis = analyzed(HOST + ON_0 + ON_1 + rankers + END + STREAM_0 + STREAM_1)
    assert row_at(analysis, 15000)[2] == "no-demand"
    # Had events been dropped, nothing would be known of either.
    dropped = "warning Detected GPU events dropped on h: 12 events dropped because of something;\n"
    lossy = analyzed(dropped + HOST + ON_0 + ON_1 + rankers + END + STREAM_0 + STREAM_1)
    assert row_at(lossy, 7000, timeline=1)[2] == "unexplained"


def batch(number: int, queue: int, begin: int, ordinal_correlation: int) -> str:
    """One batch of one task, 3000 us from its enqueue to its end; its kernel is launched late."""
    return f"""
line grpc-{number}
  BatchingSessionRun {begin}..{begin + 3000}us
    ScheduleOutputTask {begin + 10}..{begin + 11}us size=1 _p={queue + number}
line batch_threads_/{number}
  ProcessBatch {begin + 1000}..{begin + 2990}us batch_size_before_padding=1 _c={queue + number}
    SessionRun {begin + 1100}..{begin + 2900}us id={number} _p={number}
line tf_Compute/{number}
  ExecutorState::Process {begin + 1200}..{begin + 1500}us id={number} _c={number}
    k {begin + 1300}..{begin + 1310}us correlation_id={ordinal_correlation}
"""


def test_a_queued_task_waits_for_the_gpu_that_its_queues_batches_use() -> None:
    still_queued = f"""
line grpc-9
  ScheduleOutputTask 18000..18001us size=1 _p={QUEUE_A + 9}
"""
    text = HOST + batch(1, QUEUE_A, 2000, 1) + batch(2, QUEUE_B, 8000, 2) + still_queued + END
    text += gpu(f"k 4000..4500us correlation_id=1 {KERNEL}")
    text += gpu(f"k 10000..10500us correlation_id=2 {KERNEL}", ordinal=1)
    analysis = analyzed(text)
    assert row_at(analysis, 19000, 0)[2] in ("queue-fill", "queue-dispatch")
    assert row_at(analysis, 19000, 1)[2] == "no-demand"
    # The first batch of the other queue likewise.
    assert row_at(analysis, 8500, 0)[2] == "no-demand"
    assert row_at(analysis, 8500, 1)[2] in ("queue-fill", "queue-dispatch")


@pytest.mark.parametrize("ordinal", [0, 1])
def test_a_call_that_names_its_device_explains_that_one_alone(ordinal: int) -> None:
    both = f"""
line grpc
  SessionRun 1000..9000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 1100..8900us id=1 _c=1
    a 1300..1310us correlation_id=1
    b 1400..1410us correlation_id=2
    cuMemAlloc_v2 4000..5000us correlation_id=3 device_id={ordinal}
    c 6000..6010us correlation_id=4
    d 6100..6110us correlation_id=5
"""
    text = HOST + both + END
    text += gpu(f"a 1500..2000us correlation_id=1 {KERNEL}", "c 6200..7000us correlation_id=4 k=1")
    text += gpu(
        f"b 1500..2000us correlation_id=2 {KERNEL}",
        f"d 6200..7000us correlation_id=5 {KERNEL}",
        ordinal=1,
    )
    analysis = analyzed(text)
    assert row_at(analysis, 4500, ordinal)[2] == "allocator"
    assert row_at(analysis, 4500, 1 - ordinal)[2] == "launch"


def test_a_batch_that_the_window_cut_off_asks_what_its_thread_asked_before() -> None:
    begun = "line tf_Compute/1"
    first = batch(1, QUEUE_A, 2000, 1).replace(
        begun, f"  MergeInputTensors 17000..17010us\n{begun}"
    )
    text = HOST + first + batch(2, QUEUE_B, 8000, 2) + END
    text += gpu(f"k 4000..4500us correlation_id=1 {KERNEL}")
    text += gpu(f"k 10000..10500us correlation_id=2 {KERNEL}", ordinal=1)
    analysis = analyzed(text)
    assert row_at(analysis, 18000, 0)[2] == "unexplained"
    assert row_at(analysis, 18000, 1)[2] == "no-demand"


def test_a_batch_whose_run_the_tracer_level_hides_has_come_further_than_those_that_fill() -> None:
    def hidden(number: int, begin: int) -> str:
        return f"""
line grpc-{number}
  BatchingSessionRun {begin}..{begin + 6000}us
    ScheduleOutputTask {begin + 10}..{begin + 11}us size=1 _p={QUEUE_A + number}
line batch_threads_/{number}
  ProcessBatch {begin + 3000}..{begin + 5900}us batch_size_before_padding=1 _c={QUEUE_A + number}
    MergeInputTensors {begin + 3010}..{begin + 3100}us batch_size_after_padding=1
"""

    kernels = gpu(f"k 6500..7000us {KERNEL}", f"k 8500..9000us {KERNEL}")
    analysis = analyzed(HOST + hidden(1, 2000) + hidden(2, 4500) + END + kernels)
    # The second batch fills and waits during the run of the first, from 5100 to 7900.
    assert row_at(analysis, 6000)[2:4] == ("unexplained", "low")
    assert row_at(analysis, 6000)[5] == "ProcessBatch"
    assert row_at(analysis, 4000)[2] in ("queue-fill", "queue-dispatch")
    assert analysis.idle[0].starved_ns < 3_300_000


def test_a_gpu_whose_only_kernel_has_no_length_is_idle_throughout() -> None:
    text = HOST + step(1, "cudaLaunchKernel 1200..1210us correlation_id=1") + END
    analysis = analyzed(text + gpu(f"relu 1300..1300us correlation_id=1 {KERNEL}"))
    assert [timeline.busy_ns for timeline in analysis.timelines] == [0]
    assert analysis.idle[0].idle_ns == 20_000_000
