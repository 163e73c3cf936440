"""Functions with an in-graph batcher that a process calls without a session (in us)."""

from __future__ import annotations

import numpy as np
import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.model.capture import BatchingParameters
from diag.model.serving import Stage
from tests.recordings import recorded, requests_by_clients
from tests.unit.analysis.traces import (
    ASYNC_START,
    QUEUE_A,
    analyzed,
    requests_us,
    stages_us,
    tiles_exactly,
)

TIMEOUT_5_MS = BatchingParameters(max_batch_size=16, batch_timeout_micros=5000, num_batch_threads=1)

CALL = f"""
line python
  EagerLocalExecute: __inference_answer_23 0..9000us
    EagerKernelExecute 20..8900us
      FunctionRun 40..60us id=-7 _p=77
line tf_Compute/1
  ExecutorState::Process 70..400us id=-7 _c=77
    {ASYNC_START} 300..350us step_id=-7 _p=70 kernel_type=BatchFunction name=batch
      ScheduleWithoutSplit 305..340us batching_input_task_size=4
        ScheduleOutputTask 310..330us size=4 _pt=4 _p={QUEUE_A + 1}
line batch_threads_/1
  ProcessBatch 5400..8300us batch_size_before_padding=4 _ct=4 _c={QUEUE_A + 1}
    FunctionRun 5600..5650us id=-8 _p=80
line tf_Compute/2
  ExecutorState::Process 5700..7900us id=-8 _c=80
    m:MatMul 5750..7850us
  ExecutorDoneCallback 8000..8250us id=-8 _c=80
    ExecutorState::ProcessAsync::Done 8100..8200us step_id=-7 _c=70
line tf_Compute/3
  ExecutorState::Process 8400..8600us id=-7 _c=77
  ExecutorDoneCallback 8610..8620us id=-7 _c=77
"""


def test_an_eager_call_whose_batch_function_enqueued_nothing_was_refused() -> None:
    """As TensorFlow 2.21 records a call with more rows than max_batch_size."""
    refused = f"""
line python-2
  EagerLocalExecute: __inference_answer_23 0..900us
    FunctionRun 40..60us id=-9 _p=99
line tf_Compute/4
  ExecutorState::Process 70..800us id=-9 _c=99
    {ASYNC_START} 300..350us step_id=-9 _p=90 kernel_type=BatchFunction name=batch
      ScheduleWithEagerSplit 305..340us batching_input_task_size=200
    ExecutorState::ProcessAsync::Done 400..450us step_id=-9 _c=90
  ExecutorDoneCallback 810..820us id=-9 _c=99
"""
    analysis = analyzed(CALL + refused, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(0, 9000, "batch-function", True)]
    assert (analysis.counts.refused, analysis.counts.censored) == (1, 0)


def test_the_eager_call_around_the_function_is_the_request() -> None:
    analysis = analyzed(CALL, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(0, 9000, "batch-function", True)]
    assert stages_us(analysis) == {
        "schedule": 40 + 10,  # ahead of the function, and from the op to its enqueue
        "queue-fill": 5000,
        "queue-dispatch": 90,
        "batch-formation": 200,
        "queue-executor": 30 + 100 + 300,
        "compute": 230 + 2300,
        "batch-split": 100,
        "postprocess": 210 + 390,  # of the function, and until the call returns
    }
    assert tiles_exactly(analysis)
    table = analysis.requests
    assert table.links[table.linked_by_index[0]].startswith("FunctionRun")


def test_without_an_eager_call_the_function_is_the_request() -> None:
    other = CALL.replace("EagerLocalExecute: __inference_answer_23", "Predict")
    analysis = analyzed(other, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(40, 8610, "batch-function", True)]
    assert tiles_exactly(analysis)


def test_a_function_without_its_done_callback_was_cut_off() -> None:
    cut = CALL.replace("EagerLocalExecute: __inference_answer_23", "Predict")
    cut = cut.replace("  ExecutorDoneCallback 8610..8620us id=-7 _c=77\n", "")
    analysis = analyzed(cut, TIMEOUT_5_MS)
    assert requests_us(analysis) == []
    assert analysis.counts.censored == 1


def test_a_call_that_the_window_cut_off_on_a_thread_of_eager_calls_is_no_whole_request() -> None:
    cut = CALL.replace(
        "  EagerLocalExecute: __inference_answer_23 0..9000us",
        "  EagerLocalExecute: Const -20..-10us\n    Other 0..9000us",
    )
    analysis = analyzed(cut, TIMEOUT_5_MS)
    assert requests_us(analysis) == []
    assert analysis.counts.censored == 1


def test_a_function_without_a_batcher_is_no_request() -> None:
    plain = CALL.replace("kernel_type=BatchFunction", "kernel_type=Other")
    alone = plain[: plain.index("line batch_threads_")] + plain[plain.index("line tf_Compute/3") :]
    alone = "\n".join(line for line in alone.splitlines() if "Schedule" not in line)
    assert requests_us(analyzed(alone)) == []


@pytest.mark.parametrize("name", ["eager-function-tf2.3.4", "eager-function-tf2.21.0"])
def test_recordings_agree_with_what_the_clients_saw(name: str) -> None:
    analysis, truth = analyze(recorded(name)), requests_by_clients(name)
    table = analysis.requests
    assert len(table) == len(truth)
    assert table.complete.all()
    extra_ns = (truth[:, 1] - truth[:, 0]) - table.duration_ns
    assert 0 < np.median(extra_ns) < 600_000  # the caller's own work around the eager call
    shares = table.stage_ns.sum(axis=0) / table.duration_ns.sum()
    assert shares[Stage.QUEUE_FILL.index] > 0.5
    assert conclude(analysis, find(analysis)).cause == "queue-fill"
    assert tiles_exactly(analysis)
