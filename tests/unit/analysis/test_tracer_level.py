"""What tracer level 1 leaves of requests, and what is said of the rest (microseconds)."""

from __future__ import annotations

import re

from diag.findings import find
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.serving import Stage
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
SESSION = f"""
line grpc
  BatchingSessionRun 0..1000us
    ScheduleOutputTask 10..12us size=1 _p={QUEUE_A + 1}
line b/1
  ProcessBatch 50..980us batch_size_before_padding=1 _c={QUEUE_A + 1}
    MergeInputTensors 60..80us batch_size_after_padding=1
"""
CALL = f"""
line tf_Compute/1
  {ASYNC_START} 100..120us step_id=1 _p=70 kernel_type=BatchFunction name=inner
    ScheduleOutputTask 105..106us size=1 _p={QUEUE_B + 1}
  ExecutorState::ProcessAsync::Done 850..870us step_id=1 _c=70
line inner_/1
  ProcessBatch 150..900us batch_size_before_padding=1 _c={QUEUE_B + 1}
    ConcatInputTensors 160..200us batch_size_after_padding=4
"""


def test_run_of_a_sessions_batch_is_all_compute() -> None:
    analysis = analyzed(SESSION, IMMEDIATE)
    assert analysis.tracer_level == 1
    assert stages_us(analysis) == {
        "schedule": 10,
        "queue-dispatch": 40,
        "batch-formation": 30,
        "compute": 900,  # from the end of the merge to the end of ProcessBatch
        "unattributed": 20,  # the return, which cannot be separated from the split here
    }
    known = analysis.requests.stage_known[0]
    assert [stage for stage in Stage if not known[stage.index]] == [
        Stage.PREPROCESS,
        Stage.QUEUE_EXECUTOR,
        Stage.BATCH_SPLIT,
        Stage.TRANSFER_IN,
        Stage.LAUNCH,
        Stage.DEVICE_WAIT,
        Stage.TRANSFER_OUT,
        Stage.POSTPROCESS,
    ]


def test_call_of_an_in_graph_batcher_stands_for_its_request() -> None:
    analysis = analyzed(CALL, IMMEDIATE)
    assert requests_us(analysis) == [(100, 870, "batch-function", True)]
    assert stages_us(analysis) == {
        "schedule": 5,
        "queue-dispatch": 45,
        "batch-formation": 50,
        "compute": 650,  # to the begin of the first Done
        "unattributed": 20,
    }
    assert "tracer-level-1" in [caveat.code for caveat in analysis.caveats]


def test_call_inside_a_sessions_batch_is_no_request_of_its_own() -> None:
    analysis = analyzed(SESSION + CALL, IMMEDIATE)
    assert requests_us(analysis) == [(0, 1000, "batching-session", True)]
    assert tiles_exactly(analysis)


def test_calls_beside_sessions_are_requests() -> None:
    other = re.sub(r"(\d+)\.\.(\d+)us", lambda m: f"{int(m[1]) + 500}..{int(m[2]) + 500}us", CALL)
    later = SESSION.replace("grpc", "grpc-2").replace("b/1", "b/2")
    later = re.sub(
        r"(\d+)\.\.(\d+)us", lambda m: f"{int(m[1]) + 2000}..{int(m[2]) + 2000}us", later
    )
    analysis = analyzed(SESSION + other + later.replace(str(QUEUE_A + 1), str(QUEUE_A + 2)))
    modes = [mode for _, _, mode, _ in requests_us(analysis)]
    assert modes == ["batching-session", "batch-function", "batching-session"]


def test_level_3_is_known_by_events_only_it_records() -> None:
    text = "line t\n  ExecutorState::ScheduleReady 0..1us\n"
    assert analyzed(text).tracer_level == 3


def test_batches_that_only_their_formation_shows_hide_their_requests() -> None:
    """As TensorFlow 2.13 records an in-graph batcher at level 1."""
    text = """
line tf_Compute/1
  ScheduleWithEagerSplit 100..105us
line batch_threads_/1
  BatchTask::empty 10..11us
  ConcatInputTensors 160..200us batch_size_after_padding=4
"""
    analysis = analyzed(text)
    assert isinstance(analysis.counts.requests, Unavailable)
    assert "no event names a request" in analysis.counts.requests.reason
    assert analysis.idle == ()
    (finding,) = find(analysis)
    assert finding.id == "requests-not-recorded"
    assert finding.remedies[0].action == "Capture again with --host-tracer-level 2."
    assert finding.confidence_reason == "The recording does not say its tracer level."
