"""The execution on the CPU: when it idles, and the state of the request that has come furthest."""

from __future__ import annotations

from diag.model.capture import BatchingParameters
from tests.unit.analysis.traces import (
    ASYNC_START,
    QUEUE_A,
    QUEUE_B,
    analyzed,
    gaps_us,
    tiles_exactly,
)


def given(timeout_us: int, threads: int = 1) -> BatchingParameters:
    return BatchingParameters(
        max_batch_size=4, batch_timeout_micros=timeout_us, num_batch_threads=threads
    )


END = "\nline end\n  Something 0..10000us\n"
BATCH = f"""
line grpc
  BatchingSessionRun 1000..8000us
    ScheduleOutputTask 1010..1012us size=1 _p={QUEUE_A + 1}
line b/1
  ProcessBatch 3200..7900us batch_size_before_padding=1 _c={QUEUE_A + 1}
    SessionRun 3500..7000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 3600..6900us id=1 _c=1
    d:DecodeJpeg 3600..4000us
    m:MatMul 4000..6800us
"""


def test_a_batch_passes_through_every_cause() -> None:
    analysis = analyzed(BATCH + END, given(2000))
    assert gaps_us(analysis) == [
        (0, 1000, "trace-edge"),  # a batch taken before the window may have been under way
        (1000, 1010, "unexplained"),  # between the request's begin and its enqueue
        (1010, 3010, "queue-fill"),
        (3010, 3200, "queue-dispatch"),
        (3200, 3500, "batch-threads-in-host-work"),
        (3500, 3600, "queue-executor"),
        (3600, 4000, "preprocess"),
        (7000, 8000, "sync-or-output"),  # outputs split, then the member woken
        (8000, 10000, "no-demand"),
    ]
    assert analysis.timelines[0].busy_ns == 3_000_000  # 4000..7000
    assert analysis.timelines[0].name == "cpu-execution"
    assert tiles_exactly(analysis)
    assert analysis.gaps.waiting_requests.tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]


def test_starved_time_leaves_out_dispatch_output_no_demand_and_the_unexplained() -> None:
    (idle,) = analyzed(BATCH + END, given(2000)).idle
    assert idle.idle_ns == 7_000_000
    assert idle.starved_ns == (2000 + 300 + 100 + 400) * 1000
    assert idle.no_demand_ns == 2_000_000
    assert sum(idle.by_cause_ns.values()) == idle.idle_ns


def test_ready_batch_without_a_free_thread_waits_for_host_work() -> None:
    text = f"""
    line grpc-1
      BatchingSessionRun 0..900us
        ScheduleOutputTask 0..1us size=1 _p={QUEUE_A + 1}
    line grpc-2
      BatchingSessionRun 10..2000us
        ScheduleOutputTask 10..11us size=1 _p={QUEUE_A + 2}
    line b/1
      ProcessBatch 0..1000us batch_size_before_padding=1 _c={QUEUE_A + 1}
        SessionRun 0..1000us id=1 _p=1
      ProcessBatch 1050..2000us batch_size_before_padding=1 _c={QUEUE_A + 2}
        SessionRun 1050..2000us id=2 _p=2
    line tf_Compute/1
      ExecutorState::Process 1050..2000us id=2 _c=2
    """
    assert gaps_us(analyzed(text, given(0))) == [
        (0, 10, "unexplained"),  # one batch runs without any event of its run, and none waits
        (10, 1000, "batch-threads-in-host-work"),
        (1000, 1050, "queue-dispatch"),
    ]


def test_busy_threads_of_another_pool_do_not_hold_a_batch_up() -> None:
    text = f"""
    line grpc-1
      BatchingSessionRun 0..2000us
        ScheduleOutputTask 0..1us size=1 _p={QUEUE_A + 1}
    line grpc-2
      BatchingSessionRun 0..2000us
        ScheduleOutputTask 100..101us size=1 _p={QUEUE_B + 1}
    line a/1
      ProcessBatch 0..2000us batch_size_before_padding=1 _c={QUEUE_A + 1}
        SessionRun 0..2000us id=1 _p=1
    line b/1
      ProcessBatch 500..2000us batch_size_before_padding=1 _c={QUEUE_B + 1}
        SessionRun 500..2000us id=2 _p=2
    line tf_Compute/1
      ExecutorState::Process 500..2000us id=2 _c=2
    """
    assert gaps_us(analyzed(text, given(0))) == [
        (0, 100, "unexplained"),
        (100, 500, "queue-dispatch"),
    ]


def test_request_that_has_come_furthest_names_the_cause() -> None:
    """One request fills a batch, one waits for a pool thread: the latter would run next."""
    pool = """
    line grpc-9
      SessionRun 1500..2800us id=9 _p=9
    line tf_Compute/9
      ExecutorState::Process 2500..2800us id=9 _c=9
        m:MatMul 2500..2800us
    """
    found = gaps_us(analyzed(BATCH + pool + END, given(2000)))
    assert found[2:5] == [
        (1010, 1500, "queue-fill"),
        (1500, 2500, "queue-executor"),
        (2800, 3010, "queue-fill"),
    ]


def test_preprocessing_ahead_of_the_batcher_yields_to_a_batch_further_on() -> None:
    ahead = f"""
    line grpc-9
      SessionRun 100..9500us id=9 _p=9
    line tf_Compute/9
      ExecutorState::Process 200..2000us id=9 _c=9
        d:DecodeJpeg 200..1980us
        {ASYNC_START} 1990..1995us step_id=9 _p=90 kernel_type=BatchFunction
    line tf_Compute/8
      ExecutorState::ProcessAsync::Done 9400..9450us _c=90
    """
    found = gaps_us(analyzed(BATCH + ahead + END, given(2000)))
    assert found[:4] == [
        (0, 100, "trace-edge"),
        (100, 200, "queue-executor"),
        (200, 1010, "preprocess"),
        (1010, 3010, "queue-fill"),
    ]


def test_run_that_shows_nothing_is_unexplained_never_no_demand() -> None:
    found = gaps_us(analyzed("line grpc\n  SessionRun 100..900us id=1 _p=1" + END))
    assert found == [
        (0, 100, "trace-edge"),
        (100, 900, "unexplained"),
        (900, 9200, "no-demand"),
        (9200, 10000, "trace-edge"),
    ]


def test_a_silent_request_may_have_been_cut_by_an_edge_as_far_as_it_reaches() -> None:
    # A request of 800 us that waits for a thread leaves nothing if an edge cuts it.
    run = "\nline grpc-9\n  SessionRun 4000..4800us id=9 _p=9"
    found = gaps_us(analyzed(run + END))
    assert found[0] == (0, 800, "trace-edge")
    assert found[-1] == (9200, 10000, "trace-edge")


def test_a_batching_session_leaves_its_enqueues_but_not_a_batch_taken_before() -> None:
    later = BATCH
    for at in ("1000..8000", "1010..1012", "3200..7900", "3500..7000", "3600..6900", "3600..4000"):
        begin, end = (int(t) + 10_000 for t in at.split(".."))
        later = later.replace(f"{at}us", f"{begin}..{end}us")
    later = later.replace("4000..6800us", "14000..16800us")
    found = gaps_us(analyzed(later + "\nline end\n  Something 0..20000us\n", given(2000)))
    # Of its 7000 us it waited 2200 before its batch was taken: of those, its enqueue tells.
    assert found[:2] == [(0, 4800, "trace-edge"), (4800, 11000, "no-demand")]
    assert found[-1] == (18000, 20000, "no-demand")


def test_task_still_queued_when_the_window_closes_is_demand() -> None:
    text = (
        BATCH
        + f"""
    line grpc-5
      ScheduleOutputTask 9000..9001us size=1 _p={QUEUE_A + 2}
    """
    )
    found = gaps_us(analyzed(text + END, given(500)))
    assert found[-3:] == [
        (8000, 9000, "no-demand"),
        (9000, 9500, "queue-fill"),
        (9500, 10000, "queue-dispatch"),
    ]


def test_batch_cut_off_by_the_beginning_is_demand() -> None:
    text = f"""
    line b/1
      MergeInputTensors 200..300us batch_size_after_padding=1
      SessionRun 400..900us id=1 _p=1
      ProcessBatch 3200..7900us batch_size_before_padding=1 _c={QUEUE_A + 1}
        SessionRun 3500..7000us id=2 _p=2
    line grpc
      BatchingSessionRun 3000..8000us
        ScheduleOutputTask 3000..3001us size=1 _p={QUEUE_A + 1}
    """
    found = gaps_us(analyzed(text + END, given(500)))
    assert not any(cause == "no-demand" and begin < 900 for begin, _, cause in found)


def test_window_that_is_busy_throughout_has_no_gap() -> None:
    analysis = analyzed("""
    line grpc
      SessionRun 0..900us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 0..900us id=1 _c=1
    """)
    assert gaps_us(analysis) == []
    assert analysis.timelines[0].busy_ns == 900_000
    assert analysis.idle[0].idle_ns == 0


def test_device_without_any_request_has_no_demand() -> None:
    analysis = analyzed("""
    plane /host:CPU
    line t
      Something 0..1000us
    plane /device:GPU:0
    line Stream #1(Compute)
    """)
    assert {cause for _, _, cause in gaps_us(analysis)} <= {"no-demand", "unexplained"}
    assert tiles_exactly(analysis)


def waiting(text: str) -> list[tuple[str, int]]:
    """Cause of each piece of idle time and how many requests waited when it began."""
    analysis = analyzed(text + END, given(2000))
    gaps = analysis.gaps
    return [
        (cause, int(count))
        for (_, _, cause), count in zip(gaps_us(analysis), gaps.waiting_requests, strict=True)
    ]


def test_a_request_whose_end_was_cut_waits_until_its_batch_is_done() -> None:
    # The batch is whole, the BatchingSessionRun around its task was still open at the end.
    cut = BATCH.replace("BatchingSessionRun 1000..8000us", "Other 1000..1001us")
    assert waiting(cut)[:3] == [("no-demand", 0), ("queue-fill", 1), ("queue-dispatch", 1)]


def test_rows_nobody_enqueued_are_of_a_request_older_than_the_window() -> None:
    older = BATCH.replace("batch_size_before_padding=1", "batch_size_before_padding=3")
    assert waiting(older)[:2] == [("unexplained", 1), ("queue-fill", 2)]
