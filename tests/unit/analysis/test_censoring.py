"""What the window cut off, what the server refused, and ids that do not tell batches apart."""

from __future__ import annotations

from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from tests.unit.analysis.traces import (
    ASYNC_START,
    QUEUE_A,
    QUEUE_B,
    analyzed,
    gaps_us,
    requests_us,
    stages_us,
    tiles_exactly,
)

IMMEDIATE = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=1)


def session_request(begin: int, enqueue: int, end: int, batch_id: int, rows: int = 1) -> str:
    return f"""
    line grpc-{begin}
      BatchingSessionRun {begin}..{end}us
        ScheduleWithoutSplit {enqueue - 2}..{enqueue + 4}us batching_input_task_size={rows}
          ScheduleOutputTask {enqueue}..{enqueue + 2}us size={rows} _p={batch_id}
    """


def session_batch(begin: int, end: int, batch_id: int, rows: int = 1, thread: int = 1) -> str:
    return f"""
    line batch_threads_/{thread}
      ProcessBatch {begin}..{end}us batch_size_before_padding={rows} _c={batch_id}
        SessionRun {begin + 10}..{end - 10}us id={begin} _p={begin}
    line tf_Compute/{begin}
      ExecutorState::Process {begin + 10}..{end - 10}us id={begin} _c={begin}
    """


def test_request_whose_batch_was_cut_off_is_listed_but_not_complete() -> None:
    analysis = analyzed(
        session_request(0, 10, 1000, QUEUE_A + 1)
        + session_batch(20, 900, QUEUE_A + 1)
        + session_request(1100, 1110, 2000, QUEUE_A + 2),
        IMMEDIATE,
    )
    assert requests_us(analysis) == [
        (0, 1000, "batching-session", True),
        (1100, 2000, "batching-session", False),
    ]
    assert stages_us(analysis, 1) == {"schedule": 10, "unattributed": 890}
    assert tiles_exactly(analysis)
    assert analysis.counts.requests == 2
    assert analysis.counts.complete == 1
    assert analysis.counts.censored_batches == 1
    assert analysis.models[0].requests == 1


def test_split_request_with_one_batch_cut_off_is_not_complete() -> None:
    analysis = analyzed(
        f"""
        line grpc-1
          BatchingSessionRun 0..1000us
            ScheduleWithEagerSplit 5..50us batching_input_task_size=12
              ScheduleOutputTask 10..12us size=4 _p={QUEUE_A + 1}
              ScheduleOutputTask 20..22us size=8 _p={QUEUE_A + 2}
        """
        + session_batch(20, 900, QUEUE_A + 1, 8),
        IMMEDIATE,
    )
    assert requests_us(analysis) == [(0, 1000, "batching-session", False)]
    assert stages_us(analysis) == {"schedule": 20, "unattributed": 980}


def test_enqueue_without_its_request_counts_as_censored() -> None:
    analysis = analyzed(
        session_request(0, 10, 1000, QUEUE_A + 1)
        + session_batch(20, 900, QUEUE_A + 1)
        + f"""
        line grpc-9
          ScheduleWithEagerSplit 1500..1550us batching_input_task_size=9
            ScheduleOutputTask 1510..1512us size=8 _p={QUEUE_A + 2}
            ScheduleOutputTask 1520..1522us size=1 _p={QUEUE_A + 3}
          ScheduleOutputTask 1600..1602us size=1 _p={QUEUE_A + 3}
        """,
        IMMEDIATE,
    )
    assert len(analysis.requests) == 1
    assert analysis.counts.censored == 2
    assert analysis.counts.censored_batches == 2


def test_batch_without_requests_shows_the_rows_it_misses() -> None:
    analysis = analyzed(session_batch(20, 900, QUEUE_A + 1, rows=5))
    assert len(analysis.requests) == 0
    assert analysis.counts.requests == 0
    assert analysis.counts.batches == 1
    assert analysis.counts.batch_rows_missing == 5
    assert analysis.batches.first_enqueue_ns.tolist() == [-1]
    assert analysis.batches.ready_ns.tolist() == [-1]


def test_runs_of_batches_cut_at_either_edge_are_no_requests() -> None:
    analysis = analyzed(
        session_request(300, 310, 1000, QUEUE_A + 1)
        + f"""
        line batch_threads_/1
          SessionRun 100..400us id=1 _p=1
          ProcessBatch 500..900us batch_size_before_padding=1 _c={QUEUE_A + 1}
            SessionRun 520..880us id=2 _p=2
          SessionRun 1100..1500us id=3 _p=3
        """,
        IMMEDIATE,
    )
    assert requests_us(analysis) == [(300, 1000, "batching-session", True)]
    # The only thread was held by the batch that the window cut off, until its run ended at least.
    assert stages_us(analysis)["queue-thread"] == 90
    assert stages_us(analysis)["queue-dispatch"] == 100


def test_runs_on_a_named_batch_thread_are_no_requests_without_any_batch() -> None:
    for name in ("batch_threads_/4", "model_server_batch_threads_/4"):
        analysis = analyzed(f"line {name}\n  SessionRun 0..100us id=1 _p=1\n")
        assert len(analysis.requests) == 0


def test_merge_on_a_thread_shows_that_it_is_a_batch_thread() -> None:
    analysis = analyzed("""
    line gpu0/3
      MergeInputTensors 0..10us batch_size_after_padding=4
      SessionRun 20..100us id=1 _p=1
    line gpu0/4
      SessionRun 20..100us id=2 _p=2
    line grpc
      SessionRun 20..100us id=3 _p=3
    """)
    assert requests_us(analysis) == [(20, 100, "unbatched", True)]


def test_bursts_without_a_run_are_orphans_that_keep_the_timeline_busy() -> None:
    analysis = analyzed("""
    line tf_Compute/1
      ExecutorState::Process 0..300us id=1 _c=1
      ExecutorState::Process 400..600us id=1 _c=1
    line other
      Something 0..1000us
    """)
    assert len(analysis.requests) == 0
    assert analysis.counts.censored == 1
    assert analysis.timelines[0].busy_ns == 500_000
    assert gaps_us(analysis) == [(300, 400, "queue-executor"), (600, 1000, "unexplained")]


def test_refused_enqueues_are_counted_not_listed() -> None:
    analysis = analyzed(
        session_request(0, 10, 1000, QUEUE_A + 1)
        + session_batch(20, 900, QUEUE_A + 1)
        + """
        line grpc-7
          BatchingSessionRun 100..108us
            ScheduleWithoutSplit 102..106us batching_input_task_size=1
          BatchingSessionRun 200..209us
            ScheduleWithEagerSplit 202..206us batching_input_task_size=1
        """,
        IMMEDIATE,
    )
    assert len(analysis.requests) == 1
    assert analysis.counts.refused == 2
    assert analysis.counts.censored == 0
    assert analysis.failures.refused_start_ns.tolist() == [100_000, 200_000]
    assert analysis.failures.refused_end_ns.tolist() == [108_000, 209_000]


def test_call_without_its_done_leaves_the_request_incomplete() -> None:
    analysis = analyzed(
        f"""
        line grpc-1
          SessionRun 0..1000us id=7 _p=7
        line tf_Compute/1
          ExecutorState::Process 50..110us id=7 _c=7
            {ASYNC_START} 100..109us step_id=7 _p=70 kernel_type=BatchFunction
              ScheduleOutputTask 101..102us size=1 _p={QUEUE_A + 1}
        line batch_threads_/1
          ProcessBatch 120..900us batch_size_before_padding=1 _c={QUEUE_A + 1}
            FunctionRun 130..140us id=8 _p=80
        """,
        IMMEDIATE,
    )
    assert requests_us(analysis) == [(0, 1000, "batch-function", False)]
    assert tiles_exactly(analysis)


def test_call_whose_batch_was_cut_off_leaves_the_request_incomplete() -> None:
    analysis = analyzed(f"""
    line grpc-1
      SessionRun 0..1000us id=7 _p=7
    line tf_Compute/1
      ExecutorState::Process 50..110us id=7 _c=7
        {ASYNC_START} 100..109us step_id=7 _p=70 kernel_type=BatchFunction
          ScheduleOutputTask 101..102us size=1 _p={QUEUE_A + 1}
      ExecutorState::ProcessAsync::Done 900..950us step_id=7 _c=70
    """)
    assert requests_us(analysis) == [(0, 1000, "batch-function", False)]
    # The time around the call is known; of the visit to the batcher only its begin is.
    assert stages_us(analysis) == {
        "queue-executor": 50,
        "compute": 50,
        "schedule": 1,
        "unattributed": 799,
        "postprocess": 100,
    }
    assert tiles_exactly(analysis)


def test_call_of_a_request_cut_off_is_censored_and_no_request_of_its_own() -> None:
    analysis = analyzed(
        f"""
        line tf_Compute/1
          ExecutorState::Process 50..110us id=7 _c=7
            {ASYNC_START} 100..109us step_id=7 _p=70 kernel_type=BatchFunction
              ScheduleOutputTask 101..102us size=1 _p={QUEUE_A + 1}
          ExecutorState::ProcessAsync::Done 900..950us step_id=7 _c=70
        """
        + session_batch(120, 890, QUEUE_A + 1).replace("SessionRun", "Other"),
        IMMEDIATE,
    )
    assert len(analysis.requests) == 0
    assert analysis.counts.requests == 0
    assert analysis.counts.censored == 1


def test_first_batch_of_the_only_queue_is_linked_by_id_0() -> None:
    analysis = analyzed(
        session_request(0, 10, 500, 0)
        + session_batch(20, 400, 0)
        + session_request(600, 610, 1000, QUEUE_A + 1)
        + session_batch(620, 900, QUEUE_A + 1),
        IMMEDIATE,
    )
    assert analysis.requests.complete.tolist() == [True, True]
    assert len(analysis.batches.queues) == 1
    assert analysis.counts.ambiguous_links == 0


def test_first_batches_of_two_queues_are_told_apart_by_their_rows() -> None:
    analysis = analyzed(
        session_request(0, 10, 500, 0, rows=3)
        + session_batch(20, 400, 0, rows=3)
        + session_request(100, 110, 700, 0, rows=5)
        + session_batch(120, 600, 0, rows=5, thread=2)
        + session_request(800, 810, 1000, QUEUE_A + 1)
        + session_batch(820, 900, QUEUE_A + 1)
        + session_request(1800, 1810, 2000, QUEUE_B + 1)
        + session_batch(1820, 1900, QUEUE_B + 1),
        BatchingParameters(batch_timeout_micros=1000, max_batch_size=8, num_batch_threads=2),
    )
    assert analysis.requests.complete.all()
    assert analysis.counts.ambiguous_links == 0
    assert analysis.requests.batch_index.tolist() == [0, 1, 2, 3]
    # The second first batch belongs to another queue: it did not close the one before it.
    assert stages_us(analysis, 0)["queue-fill"] == 10


def test_first_batches_that_rows_cannot_tell_apart_leave_requests_incomplete() -> None:
    analysis = analyzed(
        session_request(0, 10, 500, 0)
        + session_request(5, 12, 500, 0)
        + session_batch(20, 400, 0)
        + session_batch(30, 490, 0, thread=2)
    )
    assert analysis.requests.complete.tolist() == [False, False]
    assert analysis.counts.ambiguous_links == 2
    assert "ambiguous-batch-id" in [caveat.code for caveat in analysis.caveats]
    assert tiles_exactly(analysis)


def test_first_batch_whose_twin_was_cut_off_takes_no_more_rows_than_it_had() -> None:
    analysis = analyzed(
        session_request(0, 10, 500, 0, rows=2)
        + session_request(5, 12, 900, 0, rows=1)
        + session_batch(20, 400, 0, rows=2)
    )
    assert analysis.requests.complete.tolist() == [False, False]
    assert analysis.counts.ambiguous_links == 2


def test_repeated_ids_are_joined_in_time_order() -> None:
    analysis = analyzed(
        session_request(0, 10, 500, QUEUE_A + 1)
        + session_batch(20, 400, QUEUE_A + 1)
        + session_request(600, 610, 1000, QUEUE_A + 1)
        + session_batch(620, 900, QUEUE_A + 1),
        IMMEDIATE,
    )
    assert analysis.requests.batch_index.tolist() == [0, 1]
    assert stages_us(analysis, 0)["queue-dispatch"] == 10
    assert stages_us(analysis, 1)["queue-dispatch"] == 10


def test_empty_trace_has_no_requests_and_an_unknown_level() -> None:
    analysis = analyzed("plane /host:CPU")
    assert isinstance(analysis.tracer_level, Unavailable)
    assert analysis.counts.requests == 0
    assert tiles_exactly(analysis)
