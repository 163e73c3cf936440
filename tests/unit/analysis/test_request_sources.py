"""Rows of the request table lead back to the events, steps and tasks they were made of."""

from __future__ import annotations

from hypothesis import given

from diag.analysis import analyze
from diag.analysis.batching.batching import find_batching
from diag.analysis.execution.execution import find_execution
from diag.analysis.requests.attribution import attribute_requests
from diag.analysis.requests.rows import RequestSources
from diag.model.capture import Capture
from tests.property.serving_traces import Trace, servers
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, QUEUE_B, capture_of


def sources_of(capture: Capture) -> RequestSources:
    """The sources alone, by the steps that analyze() takes."""
    execution = find_execution(capture.planes)
    return attribute_requests(capture, execution, find_batching(capture, execution)).sources


MIXED = f"""
line grpc-1
  BatchingSessionRun 100..900us
    ScheduleOutputTask 110..111us size=1 _p={QUEUE_A + 1}
line b/1
  ProcessBatch 200..890us batch_size_before_padding=1 _c={QUEUE_A + 1}
    SessionRun 210..880us id=1 _p=1
line grpc-2
  SessionRun 100..900us id=2 _p=2
line grpc-3
  SessionRun 50..950us id=3 _p=3
line tf_Compute/3
  ExecutorState::Process 60..90us id=3 _c=3
    {ASYNC_START} 70..80us step_id=3 _p=30 kernel_type=BatchFunction
      ScheduleOutputTask 71..72us size=1 _p={QUEUE_B + 1}
line tf_Compute/4
  ExecutorState::ProcessAsync::Done 700..710us _c=30
line b/2
  ProcessBatch 300..800us batch_size_before_padding=1 _c={QUEUE_B + 1}
    FunctionRun 310..320us id=4 _p=4
"""


def test_requests_of_every_kind_lead_to_their_roots_and_tasks_to_requests() -> None:
    capture = capture_of(MIXED)
    sources = sources_of(capture)
    (plane,) = capture.planes
    lines = [plane.lines[plane.events.line_index[row]].name for row in sources.root]
    # By begin, then end; of equals the batched one first, as in the request table.
    assert lines == ["grpc-3", "grpc-1", "grpc-2"]
    assert sources.step.tolist()[1] == -1
    assert (sources.step[[0, 2]] >= 0).all()
    # Tasks in row order: that of the session on the first line, that of the call on the fifth.
    assert sources.of_task.tolist() == [1, 0]


@given(servers())
def test_sources_are_in_the_order_of_the_request_table(trace: Trace) -> None:
    capture = capture_of(trace.text())
    requests, sources = analyze(capture).requests, sources_of(capture)
    (plane,) = [p for p in capture.planes if p.name == "/host:CPU"]
    assert plane.events.start_ns[sources.root].tolist() == requests.start_ns.tolist()
    assert plane.events.end_ns[sources.root].tolist() == requests.end_ns.tolist()
