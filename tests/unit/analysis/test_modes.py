"""Stages of unbatched and of BatchingSession requests, by tables worked out by hand (in us)."""

from __future__ import annotations

import pytest

from diag.model.capture import BatchingParameters
from tests.unit.analysis.traces import (
    QUEUE_A,
    analyzed,
    requests_us,
    stages_us,
    tiles_exactly,
)

UNBATCHED = """
line grpc-1
  SessionRun 0..1000us id=5 _p=5
  ThreadpoolListener::Record @10us _pt=15 _p=900
line tf_Compute/1
  ThreadpoolListener::StartRegion @95us _ct=15 _c=900
  ExecutorState::Process 100..400us id=5 _c=5
    dense/MatMul:MatMul 120..380us
    ThreadpoolListener::Record @390us _pt=15 _p=901
  ThreadpoolListener::StopRegion @401us
  ThreadpoolListener::StartRegion @595us _ct=15 _c=901
  ExecutorState::Process 600..900us id=5 _c=5 iter_num=1
    dense/MatMul_1:MatMul 610..890us
  ExecutorDoneCallback 905..910us _c=5
  ThreadpoolListener::StopRegion @911us
"""


def test_unbatched_run_waits_for_the_pool_computes_and_completes() -> None:
    analysis = analyzed(UNBATCHED)
    assert requests_us(analysis) == [(0, 1000, "unbatched", True)]
    # Before the first burst and between bursts no thread ran it; after the last burst it completes.
    assert stages_us(analysis) == {"queue-executor": 300, "compute": 700}
    assert analysis.requests.links[analysis.requests.linked_by_index[0]].startswith("SessionRun")


@pytest.mark.parametrize("thread", ["tf_httprestserver", "", "Thread-7 (run)", "grpcpp_sync_ser"])
def test_thread_names_do_not_matter(thread: str) -> None:
    named = UNBATCHED.replace("line grpc-1", f"line {thread or 'x'}")
    analysis = analyzed(named)
    assert stages_us(analysis) == {"queue-executor": 300, "compute": 700}


def test_executor_that_runs_inline_is_attributed_alike() -> None:
    analysis = analyzed("""
    line grpc-1
      SessionRun 0..1000us id=5 _p=5
        ExecutorState::Process 100..900us id=5 _c=5
          m:MatMul 200..800us
    """)
    assert requests_us(analysis) == [(0, 1000, "unbatched", True)]
    assert stages_us(analysis) == {"queue-executor": 100, "compute": 900}


def test_run_without_any_burst_is_unattributed() -> None:
    analysis = analyzed("""
    line grpc-1
      SessionRun 0..1000us id=5 _p=5
    """)
    assert stages_us(analysis) == {"unattributed": 1000}
    assert analysis.requests.links[analysis.requests.linked_by_index[0]] == "root event only"


SESSION = f"""
line grpc-1
  BatchingSessionRun 0..12000us
    ScheduleWithoutSplit 5..20us batching_input_task_size=2
      ScheduleOutputTask 8..12us size=2 _pt=4 _p={QUEUE_A + 1}
line grpc-2
  BatchingSessionRun 1000..12100us
    ScheduleWithoutSplit 1010..1030us batching_input_task_size=3
      ScheduleOutputTask 1020..1025us size=3 _pt=4 _p={QUEUE_A + 1}
line batch_threads_/1
  ProcessBatch 4500..11900us batch_size_before_padding=5 _ct=4 _c={QUEUE_A + 1}
    MergeInputTensors 4510..4600us batch_size_after_padding=8 padding_amount=3
    SessionRun 5000..11000us id=1 _p=1
line tf_Compute/2
  ExecutorState::Process 5200..10500us id=1 _c=1
    m:MatMul 5300..10400us
"""


TIMEOUT_4_MS = BatchingParameters(max_batch_size=8, batch_timeout_micros=4000, num_batch_threads=1)


def test_batching_session_from_schedule_to_wake_up() -> None:
    analysis = analyzed(SESSION, TIMEOUT_4_MS)
    assert requests_us(analysis) == [
        (0, 12000, "batching-session", True),
        (1000, 12100, "batching-session", True),
    ]
    # ready = 8 + 4000; taken 4500; run 5000..11000.
    assert stages_us(analysis, 0) == {
        "schedule": 8,
        "queue-fill": 4000,
        "queue-dispatch": 492,
        "batch-formation": 500,
        "queue-executor": 200,
        "compute": 5800,
        "batch-split": 1000,
    }
    assert stages_us(analysis, 1) == {
        "schedule": 20,
        "queue-fill": 2988,
        "queue-dispatch": 492,
        "batch-formation": 500,
        "queue-executor": 200,
        "compute": 5800,
        "batch-split": 1100,
    }
    assert analysis.requests.rows.tolist() == [2, 3]
    batches = analysis.batches
    assert (batches.rows.tolist(), batches.padded_rows.tolist()) == ([5], [8])
    assert batches.tasks.tolist() == [2]
    assert batches.first_enqueue_ns.tolist() == [8_000]
    assert batches.ready_ns.tolist() == [4_008_000]


def test_request_that_ends_before_its_process_batch_does() -> None:
    analysis = analyzed(SESSION.replace("0..12000us", "0..11500us"), TIMEOUT_4_MS)
    assert stages_us(analysis, 0)["batch-split"] == 500
    assert tiles_exactly(analysis)


def test_ids_join_across_both_integer_types() -> None:
    id_ = 0xFEDCBA9800000001
    text = SESSION.replace(f"_p={QUEUE_A + 1}", f"_p={id_}u").replace(
        f"_c={QUEUE_A + 1}", f"_c={id_ - 2**64}"
    )
    analysis = analyzed(text, TIMEOUT_4_MS)
    assert analysis.requests.complete.all()
    assert analysis.batches.id.tolist() == [id_]
    assert analysis.batches.queues[0].key == "fedcba98"


def test_noise_changes_nothing() -> None:
    noise = """
      BatchTask::empty 6..7us
      ThreadpoolListener::Record @9us _pt=15 _p=1
      ThreadpoolListener::StartRegion @10us _ct=15 _c=1
    """
    noisy = SESSION.replace("line grpc-2", noise + "line grpc-2").replace(
        "line tf_Compute/2", noise + "line tf_Compute/2"
    )
    quiet, loud = analyzed(SESSION, TIMEOUT_4_MS), analyzed(noisy, TIMEOUT_4_MS)
    assert loud.requests.stage_ns.tolist() == quiet.requests.stage_ns.tolist()


def test_split_session_request_follows_the_task_that_finishes_last() -> None:
    analysis = analyzed(
        f"""
        line grpc-1
          BatchingSessionRun 0..10000us
            ScheduleWithEagerSplit 10..100us batching_input_task_size=12
              ScheduleOutputTask 20..30us size=4 _p={QUEUE_A + 1}
              ScheduleOutputTask 40..50us size=8 _p={QUEUE_A + 2}
        line batch_threads_/1
          ProcessBatch 100..9000us batch_size_before_padding=8 _c={QUEUE_A + 1}
            SessionRun 200..8500us id=1 _p=1
        line batch_threads_/2
          ProcessBatch 150..5000us batch_size_before_padding=8 _c={QUEUE_A + 2}
            SessionRun 250..4000us id=2 _p=2
        line tf_Compute/1
          ExecutorState::Process 300..8500us id=1 _c=1
        line tf_Compute/2
          ExecutorState::Process 400..4000us id=2 _c=2
        """,
        BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=2),
    )
    assert analysis.counts.split_requests == 1
    assert analysis.requests.batch_offsets.tolist() == [0, 2]
    assert analysis.requests.rows.tolist() == [12]
    assert stages_us(analysis) == {
        "schedule": 20,
        "queue-dispatch": 80,
        "batch-formation": 100,
        "queue-executor": 100,
        "compute": 8200,
        "batch-split": 1500,
    }


def test_batching_session_run_that_runs_its_session_itself() -> None:
    analysis = analyzed("""
    line grpc-1
      BatchingSessionRun 0..1000us
        SessionRun 50..900us id=3 _p=3
    line tf_Compute/1
      ExecutorState::Process 100..800us id=3 _c=3
    """)
    assert requests_us(analysis) == [(0, 1000, "unbatched", True)]
    assert stages_us(analysis) == {
        "schedule": 50,
        "queue-executor": 50,
        "compute": 800,
        "batch-split": 100,
    }
    assert analysis.counts.refused == 0


IMMEDIATE = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=1)


def test_all_runs_inside_one_batch_count() -> None:
    analysis = analyzed(
        f"""
        line grpc-1
          BatchingSessionRun 0..1000us
            ScheduleOutputTask 10..12us size=1 _p={QUEUE_A + 1}
        line batch_threads_/1
          ProcessBatch 20..960us batch_size_before_padding=1 _c={QUEUE_A + 1}
            SessionRun 100..300us id=1 _p=1
            SessionRun 310..500us id=2 _p=2
            SessionRun 520..900us id=3 _p=3
        line tf_Compute/1
          ExecutorState::Process 110..300us id=1 _c=1
          ExecutorState::Process 330..500us id=2 _c=2
          ExecutorState::Process 560..900us id=3 _c=3
        """,
        IMMEDIATE,
    )
    assert stages_us(analysis) == {
        "schedule": 10,
        "queue-dispatch": 10,
        "batch-formation": 80,
        "queue-executor": 10 + 20 + 40,
        "compute": 190 + 170 + 340,
        "unattributed": 10 + 20,
        "batch-split": 100,
    }


def test_unbatched_requests_beside_batched_ones() -> None:
    analysis = analyzed(SESSION + UNBATCHED.replace("=5", "=55"), TIMEOUT_4_MS)
    assert sorted(mode for _, _, mode, _ in requests_us(analysis)) == [
        "batching-session",
        "batching-session",
        "unbatched",
    ]
