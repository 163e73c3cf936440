"""In-graph batching of TensorFlow before 2.15, which records no event of the BatchFunction op."""

from __future__ import annotations

import numpy as np
import pytest

from diag.analysis import analyze
from diag.model.capture import BatchingParameters
from diag.model.serving import Stage
from tests.recordings import recorded, requests_by_clients
from tests.unit.analysis.traces import QUEUE_A, analyzed, requests_us, stages_us, tiles_exactly

TIMEOUT_5_MS = BatchingParameters(max_batch_size=16, batch_timeout_micros=5000, num_batch_threads=1)

UNMARKED = f"""
line python
  SessionRun 0..9000us id=7 _p=7
line tf_Compute/1
  ExecutorState::Process 50..400us id=7 _c=7
    ScheduleWithEagerSplit 305..340us batching_input_task_size=4
      ScheduleOutputTask 310..330us size=4 _pt=4 _p={QUEUE_A + 1}
line batch_threads_/1
  ProcessBatch 5400..8300us batch_size_before_padding=4 _ct=4 _c={QUEUE_A + 1}
    ConcatInputTensors 5410..5500us batch_size_after_padding=4
    FunctionRun 5600..5650us id=8 _p=80
line tf_Compute/2
  ExecutorState::Process 5700..7900us id=8 _c=80
    m:MatMul 5750..7850us
  ExecutorDoneCallback 8000..8250us id=8 _c=80
line tf_Compute/3
  ExecutorState::Process 8400..8700us id=7 _c=7
"""

# TensorFlow 2.3: rows are part of the names, and the batch's function leaves no run event.
UNNAMED = """
line python
  SessionRun 0..9000us id=7 _p=7
line tf_Compute/1
  ExecutorState::Process 50..400us id=7 _c=7
    Schedule:4 310..330us _p=13
line batch_threads_/1
  ProcessBatch:4 5400..8450us _c=13
line tf_Compute/2
  ExecutorState::Process 5700..7900us id=-80 _c=-80
    m:MatMul 5750..7850us
  ExecutorDoneCallback 8000..8250us id=-80 _c=-80
line tf_Compute/3
  ExecutorState::Process 8400..8700us id=7 _c=7
"""


def test_a_call_without_an_event_of_its_own_is_known_by_what_it_enqueued() -> None:
    analysis = analyzed(UNMARKED, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(0, 9000, "batch-function", True)]
    assert stages_us(analysis) == {
        "schedule": 5,  # from the scheduler's begin, 305, to the enqueue
        "queue-fill": 5000,
        "queue-dispatch": 90,
        "batch-formation": 200,
        # 0..50, 5600..5700 ahead of the function's first burst, 8250..8400 after its callback
        "queue-executor": 50 + 100 + 150,
        "compute": 255 + 2300,  # 50..305; 5700..8000
        "batch-split": 250,  # the done callback hands the results over
        "postprocess": 600,
    }
    assert tiles_exactly(analysis)


def test_the_call_ends_when_its_step_goes_on() -> None:
    early = UNMARKED.replace("Process 8400..8700us", "Process 8100..8700us")
    stages = stages_us(analyzed(early, TIMEOUT_5_MS))
    assert stages["batch-split"] == 100
    assert stages["queue-executor"] == 150
    assert stages["postprocess"] == 900


def test_names_with_rows_and_a_function_without_a_run_event_read_alike() -> None:
    analysis = analyzed(UNNAMED, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(0, 9000, "batch-function", True)]
    assert stages_us(analysis) == {
        "queue-fill": 5000,
        "queue-dispatch": 90,
        "batch-formation": 300,
        "queue-executor": 50 + 150,
        "compute": 260 + 2300,
        "batch-split": 250,
        "postprocess": 600,
    }
    assert analysis.requests.rows.tolist() == [4]
    assert analysis.batches.rows.tolist() == [4]
    assert analysis.counts.censored == 0


def test_a_request_that_goes_on_within_its_batch_is_not_the_batch_s_function() -> None:
    cut = UNNAMED.replace("SessionRun 0..9000us id=7 _p=7", "Other 0..9000us")
    analysis = analyzed(cut, TIMEOUT_5_MS)
    assert requests_us(analysis) == []
    assert analysis.counts.censored == 1
    assert analysis.batches.run_end_ns.tolist() == [8_000_000]


def test_a_batch_that_the_window_cut_off_leaves_its_request_incomplete() -> None:
    cut = UNMARKED.replace("  ProcessBatch 5400..8300us", "  Other 5400..8300us")
    analysis = analyzed(cut, TIMEOUT_5_MS)
    assert requests_us(analysis) == [(0, 9000, "batch-function", False)]
    assert tiles_exactly(analysis)


def test_ids_that_two_queues_count_alike_are_told_apart_by_their_rows() -> None:
    analysis = analyzed(
        """
        line tf_Compute/1
          SessionRun 0..900us id=1 _p=1
            ExecutorState::Process 1..90us id=1 _c=1
              Schedule:2 10..11us _p=5
        line tf_Compute/2
          SessionRun 0..900us id=2 _p=2
            ExecutorState::Process 1..90us id=2 _c=2
              Schedule:3 20..21us _p=5
        line batch_threads_/1
          ProcessBatch:3 100..300us _c=5
        line batch_threads_/2
          ProcessBatch:2 120..320us _c=5
        """
    )
    # Neither batch took exactly what had been enqueued, so that no link is claimed.
    assert analysis.counts.ambiguous_links == 2
    assert not analysis.requests.complete.any()


@pytest.mark.parametrize("name", ["batch-function-tf2.3.4", "batch-function-tf2.13.1"])
def test_recordings_agree_with_what_the_clients_saw(name: str) -> None:
    analysis, truth = analyze(recorded(name)), requests_by_clients(name)
    table = analysis.requests
    assert len(table) == len(truth)
    assert table.complete.all()
    assert analysis.counts.censored == 0
    # These versions do not record when the window began: the clocks are aligned by the medians.
    began = truth[:, 0] - table.start_ns
    assert np.ptp(began) < 1_000_000  # a client's clock reading and its call are not one
    extra_ns = (truth[:, 1] - truth[:, 0]) - table.duration_ns
    assert 0 < np.median(extra_ns) < 300_000
    share = table.stage_ns.sum(axis=0) / table.duration_ns.sum()
    assert 0.80 < share[Stage.QUEUE_FILL.index] < 0.86
    assert share[Stage.QUEUE_EXECUTOR.index] < 0.03
    assert tiles_exactly(analysis)
