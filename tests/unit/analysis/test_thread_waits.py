"""A step waits for a thread only while the pools' marks show that something does (in us)."""

from __future__ import annotations

import pytest

from diag.model.serving import Stage
from tests.unit.analysis.traces import QUEUE_A, analyzed, gaps_us, stages_us, tiles_exactly

# As without the GPU tracer: between its bursts the run waits for kernels without events.
UNTRACED_KERNELS = """
line grpc
  SessionRun 0..20000us id=5 _p=5
  ThreadpoolListener::Record @10us _p=900
line tf_Compute/1
  ThreadpoolListener::StartRegion @24us _c=900
  ExecutorState::Process 30..1000us id=5 _c=5
  ThreadpoolListener::StopRegion @1000us
  ThreadpoolListener::StartRegion @18013us _c=901
  ExecutorState::Process 18020..20000us id=5 _c=5
  ThreadpoolListener::StopRegion @20000us
line cuda_events
  ThreadpoolListener::Record @18000us _p=901
"""


def test_time_without_a_burst_or_a_waiting_closure_is_no_wait_for_a_thread() -> None:
    analysis = analyzed(UNTRACED_KERNELS)
    assert tiles_exactly(analysis)
    assert stages_us(analysis) == {
        # 0..30, and from 100 us before the second hand-over on
        "queue-executor": 30 + 120,
        "compute": 970 + 1980,
        "unattributed": 16_900,
    }
    assert gaps_us(analysis) == [
        (0, 30, "queue-executor"),
        (1000, 17900, "unexplained"),
        (17900, 18020, "queue-executor"),
    ]


def test_a_closure_of_any_step_that_waits_shows_that_the_pool_was_full() -> None:
    other = "line b\n  ThreadpoolListener::Record @5000us _p=902\n"
    began = "line tf_Compute/2\n  ThreadpoolListener::StartRegion @15000us _c=902\n"
    analysis = analyzed(UNTRACED_KERNELS + other + began)
    assert stages_us(analysis)["queue-executor"] == 30 + (15_100 - 4_900) + 120
    assert stages_us(analysis)["unattributed"] == 3_900 + 2_800


def test_a_closure_of_a_pool_that_serves_single_ops_shows_nothing() -> None:
    other = "line b\n  ThreadpoolListener::Record @5000us _p=902\n"
    began = "line tf_numa_-1_Eigen/2\n  ThreadpoolListener::StartRegion @15000us _c=902\n"
    analysis = analyzed(UNTRACED_KERNELS + other + began)
    assert stages_us(analysis)["unattributed"] == 16_900


@pytest.mark.parametrize(
    ("mark", "waiting_us"),
    [
        ("line b\n  ThreadpoolListener::Record @15000us _p=77\n", 20_000 - 14_900 - 1_980),
        ("line tf_Compute/2\n  ThreadpoolListener::StartRegion @3000us _c=77\n", 2_100 + 120),
    ],
)
def test_a_closure_that_the_window_cuts_waits_beyond_its_edge(mark: str, waiting_us: int) -> None:
    stages = stages_us(analyzed(UNTRACED_KERNELS + mark))
    assert stages["queue-executor"] == 30 + waiting_us


def test_without_any_marks_a_run_without_a_burst_is_taken_to_wait() -> None:
    lines = UNTRACED_KERNELS.splitlines()
    bare = "\n".join(line for line in lines if "ThreadpoolListener" not in line)
    assert stages_us(analyzed(bare)) == {"queue-executor": 30 + 17_020, "compute": 2_950}


FUNCTION = f"""
line grpc
  SessionRun 0..9000us id=7 _p=7
line tf_Compute/1
  ExecutorState::Process 0..400us id=7 _c=7
    ExecutorState::ProcessAsync::Start 300..400us step_id=7 _p=70 kernel_type=BatchFunction
      ScheduleWithoutSplit 305..340us batching_input_task_size=4
        ScheduleOutputTask 310..330us size=4 _pt=4 _p={QUEUE_A + 1}
line batch_threads_/1
  ProcessBatch 400..8300us batch_size_before_padding=4 _ct=4 _c={QUEUE_A + 1}
    FunctionRun 500..550us id=8 _p=80
      ThreadpoolListener::Record @510us _p=901
line tf_Compute/2
  ThreadpoolListener::StartRegion @600us _c=901
  ExecutorState::Process 600..1000us id=8 _c=80
    gemm 700..710us correlation_id=1
  ThreadpoolListener::StopRegion @1001us
  ThreadpoolListener::StartRegion @7999us _c=902
  ExecutorDoneCallback 8000..8250us _c=80
    ExecutorState::ProcessAsync::Done 8000..8200us step_id=7 _c=70
  ThreadpoolListener::StopRegion @8250us
  ExecutorState::Process 8300..8700us id=7 _c=7
line events
  ThreadpoolListener::Record @3000us _p=902
"""
HOST = "plane /host:CPU"
GPU = """
plane /device:GPU:0
line Stream #14(Compute)
  gemm 1000..2000us correlation_id=1 kernel_details="regs:1"
"""


def test_a_run_whose_done_callback_waits_for_a_thread_is_not_completing() -> None:
    analysis = analyzed(HOST + FUNCTION + GPU)
    assert tiles_exactly(analysis)
    stages = stages_us(analysis)
    # Of the function: 2000..3000 the host learns of the end, from 3000 on its callback waits.
    assert stages["postprocess"] == 1000 + 1 + 700
    assert stages["queue-executor"] == 100 + 4999 + 99  # of 8000..8300, what follows the begin
    assert stages["unattributed"] == 201
    # The device waits for none of it: its own work is done.
    assert gaps_us(analysis)[-1] == (2000, 9000, "sync-or-output")


def test_a_done_callback_without_marks_waits_as_long_as_others_did_before_it() -> None:
    unmarked = FUNCTION.replace(" @7999us _c=902", " @8100us _c=902")
    analysis = analyzed(HOST + unmarked + GPU)
    assert stages_us(analysis)["postprocess"] == 900 + 700
    assert stages_us(analysis)["queue-executor"] == 100 + (8000 - 2900) + 200


def test_without_any_marks_a_done_callback_is_not_known_to_have_waited() -> None:
    bare = "\n".join(line for line in FUNCTION.splitlines() if "Threadpool" not in line)
    assert stages_us(analyzed(HOST + bare + GPU))["postprocess"] == 6000 + 700


def test_a_done_callback_that_ran_in_the_last_burst_waited_for_nothing() -> None:
    inline = FUNCTION.replace("@7999us _c=902", "@3499us _c=902").replace(
        "  ExecutorDoneCallback",
        "  ExecutorState::Process 3500..8250us id=8 _c=80\n  ExecutorDoneCallback",
    )
    table = analyzed(HOST + inline + GPU).requests
    # 500..600 and, queued before the burst, 2900..3500; the time before has no events.
    assert table.stage_ns[0, Stage.QUEUE_EXECUTOR.index] == (100 + 600) * 1000


def test_a_wait_of_a_run_after_a_nested_function_is_its_own() -> None:
    """Parts of steps and steps are counted apart: a nested function is a step without a part."""
    analysis = analyzed("""
    line tf_Compute/1
      ExecutorState::Process 10..50us id=11 _c=11
        FunctionRun 15..20us id=12 _p=12
      ExecutorDoneCallback 60..62us id=11 _c=11
      ExecutorState::Process 110..120us id=13 _c=13
      ThreadpoolListener::Record 121..121us _pt=15 _p=7
    line tf_Compute/2
      ExecutorState::Process 22..32us id=12 _c=12
      ExecutorDoneCallback 33..34us id=12 _c=12
      ThreadpoolListener::StartRegion 130..130us _ct=15 _c=7
      ExecutorDoneCallback 131..133us id=13 _c=13
      ThreadpoolListener::StopRegion 134..134us
    line caller/3
      FunctionRun 0..5us id=11 _p=11
      FunctionRun 100..105us id=13 _p=13
    """)
    assert tiles_exactly(analysis)
