"""Stages of requests through in-graph batchers, against tables worked out by hand (in us)."""

from __future__ import annotations

from diag.findings import find
from diag.model.capture import BatchingParameters
from tests.unit.analysis.traces import (
    ASYNC_START,
    QUEUE_A,
    QUEUE_B,
    analyzed,
    requests_us,
    stages_us,
    tiles_exactly,
)

IMMEDIATE = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=1)

FUNCTION = f"""
line grpc-1
  SessionRun 0..9000us id=7 _p=7
line tf_Compute/1
  ExecutorState::Process 50..400us id=7 _c=7
    {ASYNC_START} 300..350us step_id=7 _p=70 kernel_type=BatchFunction name=batch
      ScheduleWithoutSplit 305..340us batching_input_task_size=4
        ScheduleOutputTask 310..330us size=4 _pt=4 _p={QUEUE_A + 1}
line batch_threads_/1
  ProcessBatch 5400..8300us batch_size_before_padding=4 _ct=4 _c={QUEUE_A + 1}
    ConcatInputTensors 5410..5500us batch_size_after_padding=4
    FunctionRun 5600..5650us id=8 _p=80
line tf_Compute/2
  ExecutorState::Process 5700..7900us id=8 _c=80
    m:MatMul 5750..7850us
  ExecutorDoneCallback 8000..8250us _c=80
    ExecutorState::ProcessAsync::Done 8100..8200us step_id=7 _c=70
line tf_Compute/3
  ExecutorState::Process 8400..8700us id=7 _c=7
"""


TIMEOUT_5_MS = BatchingParameters(max_batch_size=16, batch_timeout_micros=5000, num_batch_threads=1)


def test_batch_function_spans_graph_queue_function_and_graph_again() -> None:
    analysis = analyzed(FUNCTION, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(0, 9000, "batch-function", True)]
    assert stages_us(analysis) == {
        "schedule": 10,  # Start 300 to enqueue 310
        "queue-fill": 5000,
        "queue-dispatch": 90,
        "batch-formation": 200,
        # 0..50 before the graph's first burst, 5600..5700 before the function's, and
        # 8100..8400 between Done and the burst that goes on after it.
        "queue-executor": 50 + 100 + 300,
        "compute": 250 + 2300,  # 50..300 of the graph; 5700..8000 of the function
        "batch-split": 100,
        "postprocess": 600,  # 8400..9000
    }
    assert analysis.batches.run_end_ns.tolist() == [8_000_000]


REFUSED = f"""
line grpc-1
  SessionRun 0..900us id=7 _p=7
line tf_Compute/1
  ExecutorState::Process 50..800us id=7 _c=7
    {ASYNC_START} 300..350us step_id=7 _p=70 kernel_type=BatchFunction name=batch
      ScheduleWithEagerSplit 305..340us batching_input_task_size=200
    ExecutorState::ProcessAsync::Done 400..450us step_id=7 _c=70
"""


def test_a_call_that_enqueued_nothing_was_refused_and_its_run_is_no_request() -> None:
    """As TensorFlow 2.21 records a call with more rows than max_batch_size."""
    analysis = analyzed(REFUSED)
    assert requests_us(analysis) == []
    assert (analysis.counts.refused, analysis.counts.censored) == (1, 0)
    (finding,) = find(analysis)
    assert finding.id == "requests-failed"
    assert analysis.failures.refused_rows.tolist() == [200]
    assert analysis.failures.refused_start_ns.tolist() == [300_000]
    assert analysis.failures.refused_end_ns.tolist() == [400_000]


def test_at_level_1_a_call_that_enqueued_nothing_was_refused_too() -> None:
    calls = f"""
    line tf_Compute/1
      {ASYNC_START} 300..350us step_id=7 _p=70 kernel_type=BatchFunction name=batch
        ScheduleWithEagerSplit 305..340us batching_input_task_size=200
      ExecutorState::ProcessAsync::Done 400..450us step_id=7 _c=70
      BatchTask::empty 500..501us
    """
    analysis = analyzed(calls)
    assert (requests_us(analysis), analysis.counts.refused) == ([], 1)


def test_function_without_done_callback_ends_with_its_batch() -> None:
    cut = FUNCTION.replace("ExecutorDoneCallback 8000..8250us _c=80", "Other 8000..8250us")
    later = "\nline late\n  Other 9500..20000us\n"
    analysis = analyzed(cut + later, TIMEOUT_5_MS)
    assert analysis.batches.run_end_ns.tolist() == [7_900_000]  # its last burst
    assert tiles_exactly(analysis)
    assert "unattributed" not in stages_us(analysis)


def test_split_function_request_follows_the_task_that_finishes_last() -> None:
    analysis = analyzed(
        f"""
        line grpc-1
          SessionRun 0..9000us id=7 _p=7
        line tf_Compute/1
          ExecutorState::Process 50..400us id=7 _c=7
            {ASYNC_START} 300..390us step_id=7 _p=70 kernel_type=BatchFunction
              ScheduleWithEagerSplit 305..380us batching_input_task_size=12
                ScheduleOutputTask 310..330us size=4 _p={QUEUE_A + 1}
                ScheduleOutputTask 340..360us size=8 _p={QUEUE_A + 2}
        line batch_threads_/1
          ProcessBatch 500..3000us batch_size_before_padding=8 _c={QUEUE_A + 1}
            FunctionRun 600..650us id=8 _p=80
        line batch_threads_/2
          ProcessBatch 700..8500us batch_size_before_padding=8 _c={QUEUE_A + 2}
            FunctionRun 900..950us id=9 _p=90
        line tf_Compute/2
          ExecutorState::Process 650..2800us id=8 _c=80
          ExecutorDoneCallback 2900..2950us _c=80
        line tf_Compute/3
          ExecutorState::Process 1000..7900us id=9 _c=90
          ExecutorDoneCallback 8000..8400us _c=90
            ExecutorState::ProcessAsync::Done 8200..8300us step_id=7 _c=70
          ExecutorState::Process 8500..8900us id=7 _c=7
        """,
        BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=2),
    )
    assert analysis.counts.split_requests == 1
    assert stages_us(analysis) == {
        "schedule": 40,
        "queue-dispatch": 360,
        "batch-formation": 200,
        "queue-executor": 50 + 100 + 300,
        "compute": 250 + 7000,
        "batch-split": 200,
        "postprocess": 500,
    }


def test_batch_function_inside_a_batching_session() -> None:
    analysis = analyzed(
        f"""
        line grpc-1
          BatchingSessionRun 0..10000us
            ScheduleWithoutSplit 5..25us batching_input_task_size=1
              ScheduleOutputTask 10..20us size=1 _p={QUEUE_A + 1}
        line batch_threads_/1
          ProcessBatch 1000..9500us batch_size_before_padding=1 _c={QUEUE_A + 1}
            MergeInputTensors 1010..1090us batch_size_after_padding=1
            SessionRun 1100..9000us id=1 _p=1
        line tf_Compute/1
          ExecutorState::Process 1200..1600us id=1 _c=1
            {ASYNC_START} 1500..1590us step_id=1 _p=70 kernel_type=BatchFunction
              ScheduleWithoutSplit 1510..1580us batching_input_task_size=1
                ScheduleOutputTask 1520..1560us size=1 _p={QUEUE_B + 1}
        line inner_/1
          ProcessBatch 2600..8000us batch_size_before_padding=1 _c={QUEUE_B + 1}
            FunctionRun 2800..2850us id=2 _p=20
        line tf_Compute/2
          ExecutorState::Process 2900..7000us id=2 _c=20
          ExecutorDoneCallback 7100..7900us _c=20
            ExecutorState::ProcessAsync::Done 7200..7300us step_id=1 _c=70
          ExecutorState::Process 7400..8800us id=1 _c=1
        """,
        BatchingParameters(max_batch_size=8, batch_timeout_micros=900, num_batch_threads=1),
    )
    # One request, not three; the inner queue is no BatchingSession's, so its timeout is estimated:
    # the one batch waited 1080 us with its thread free.
    assert requests_us(analysis) == [(0, 10000, "batching-session", True)]
    assert stages_us(analysis) == {
        "schedule": 10 + 20,
        "queue-fill": 900 + 1080,
        "queue-dispatch": 90,
        "batch-formation": 100 + 200,
        "queue-executor": 100 + 100 + 200,
        "compute": 300 + 4200,
        "batch-split": 100 + 1000,
        "postprocess": 1600,
    }


def test_adaptive_scheduler_joins_by_its_own_ids() -> None:
    text = FUNCTION.replace("ScheduleOutputTask 310..330us size=4 _pt=4", "Other 310..330us x=4")
    text = text.replace(
        "ScheduleWithoutSplit 305..340us batching_input_task_size=4",
        "ASBSQueue::Schedule 305..340us batching_input_task_size=4 _pt=6 _p=3",
    )
    text = text.replace(f"_ct=4 _c={QUEUE_A + 1}", "_ct=6 _c=3")
    # The shared scheduler has a batch 3 of its own, which must not be taken for it.
    other = """
    line batch_threads_/2
      ProcessBatch 5300..5350us batch_size_before_padding=9 _ct=4 _c=3
    """
    analysis = analyzed(text + other, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(0, 9000, "batch-function", True)]
    assert stages_us(analysis)["schedule"] == 5
    assert analysis.requests.rows.tolist() == [4]
    keys = [analysis.batches.queues[q].key for q in analysis.batches.queue_index]
    assert keys[1] == "adaptive"
    assert keys[0] != "adaptive"


def _two_calls(first: tuple[int, int], second: tuple[int, int]) -> str:
    """A request of 0..1000 us with two calls (Start, Done) through two queues."""
    text = "line grpc-1\n  SessionRun 0..1000us id=7 _p=7\n"
    for n, (start, done) in enumerate((first, second), 1):
        queue = (QUEUE_A, QUEUE_B)[n - 1]
        text += f"""
        line tf_Compute/{n}
          ExecutorState::Process {start - 50}..{start + 10}us id=7 _c=7
            {ASYNC_START} {start}..{start + 9}us step_id=7 _p=7{n} kernel_type=BatchFunction
              ScheduleOutputTask {start + 1}..{start + 2}us size={n} _p={queue + 1}
        line batch_{n}_/1
          ProcessBatch {start + 20}..{done}us batch_size_before_padding={n} _c={queue + 1}
            FunctionRun {start + 30}..{start + 31}us id=8{n} _p=8{n}
        line tf_Compute/1{n}
          ExecutorState::Process {start + 40}..{done - 10}us id=8{n} _c=8{n}
          ExecutorDoneCallback {done - 10}..{done + 2}us _c=8{n}
            ExecutorState::ProcessAsync::Done {done}..{done + 1}us step_id=7 _c=7{n}
        """
    return text + "\nline tf_Compute/9\n  ExecutorState::Process 900..950us id=7 _c=7\n"


def test_two_batch_function_calls_one_after_the_other() -> None:
    analysis = analyzed(_two_calls((100, 400), (500, 800)), IMMEDIATE)
    assert requests_us(analysis) == [(0, 1000, "batch-function", True)]
    assert len(analysis.requests.batch_index) == 2
    assert stages_us(analysis) == {
        "schedule": 2,
        "queue-dispatch": 2 * 19,
        "batch-formation": 2 * 10,
        # 0..50, then 10 before each function's burst, 400..450 and 800..900.
        "queue-executor": 50 + 2 * 10 + 50 + 100,
        "compute": 50 + 2 * 250,
        "batch-split": 2 * 10,
        "postprocess": 50 + 100,
    }


def test_two_batch_function_calls_at_once_count_the_one_that_ends_last() -> None:
    analysis = analyzed(_two_calls((100, 700), (200, 500)), IMMEDIATE)
    assert tiles_exactly(analysis)
    # 100..700 is the first call's; the second lies within it.
    assert stages_us(analysis) == {
        "schedule": 1,
        "queue-dispatch": 19,
        "batch-formation": 10,
        "queue-executor": 50 + 10 + 200,
        "compute": 50 + 550,
        "batch-split": 10,
        "postprocess": 100,
    }


def test_time_of_a_call_before_the_last_one_began_is_unattributed() -> None:
    analysis = analyzed(_two_calls((100, 500), (200, 700)), IMMEDIATE)
    assert tiles_exactly(analysis)
    assert stages_us(analysis)["unattributed"] == 100
    assert stages_us(analysis)["compute"] == 50 + 450


def test_while_loop_iterations_and_functions_belong_to_the_step_that_called_them() -> None:
    analysis = analyzed("""
    line grpc-1
      SessionRun 0..1000us id=5 _p=5
    line tf_Compute/1
      ExecutorState::Process 100..300us id=5 _c=5 iter_num=1
        FunctionRun 150..160us id=6 _p=60
    line tf_Compute/2
      ExecutorState::Process 250..500us id=6 _c=60 iter_num=2
        map/decode:DecodeJpeg 260..490us
      ExecutorDoneCallback 500..520us _c=60
        FunctionRun 505..515us id=7 _p=61
    line tf_Compute/3
      ExecutorState::Process 600..700us id=7 _c=61
        m:MatMul 610..690us
      ExecutorDoneCallback 700..720us _c=61
      ExecutorState::Process 800..900us id=5 _c=5
    """)
    assert requests_us(analysis) == [(0, 1000, "unbatched", True)]
    assert stages_us(analysis) == {
        # 0..100, 500..600 (a callback is no burst) and 700..800
        "queue-executor": 300,
        "preprocess": 240 + 10,  # from the first decoding op to the first op of the model
        "compute": 160 + 90 + 200,
    }


def test_a_call_in_a_burst_that_names_no_step_is_cut_and_no_crash() -> None:
    analysis = analyzed("""
    line grpc-1
      ExecutorState::Process 0..100us
        ExecutorState::ProcessAsync::Start 10..20us kernel_type=BatchFunction
    """)
    assert len(analysis.requests) == 0
