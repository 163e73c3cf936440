"""Rows of the request table lead back to the events, steps and tasks they were made of."""

from __future__ import annotations

from hypothesis import given

from diag.analysis import analyze
from diag.analysis.batching.batch_threads import held_spans
from diag.analysis.batching.batches import find_batches, find_tasks, finish_function_batches
from diag.analysis.batching.queue_keys import find_queues
from diag.analysis.batching.queues import describe_queues
from diag.analysis.execution.closures import find_closures
from diag.analysis.execution.device_work import find_device_work
from diag.analysis.execution.host_calls import find_host_calls
from diag.analysis.execution.op_class import classify_all
from diag.analysis.execution.step_stages import stage_steps
from diag.analysis.execution.steps import find_async_ops, find_steps
from diag.analysis.execution.thread_waits import find_thread_waits
from diag.analysis.requests.linked_steps import link_steps, ops_of_tasks
from diag.analysis.requests.roots import find_roots, find_task_owners
from diag.analysis.requests.sources import RequestSources, find_sources
from diag.model.capture import Capture
from tests.property.serving_traces import Trace, servers
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, QUEUE_B, capture_of


def origins_of(capture: Capture) -> RequestSources:
    """The sources alone, by the steps that analyze() takes."""
    (plane,) = [p for p in capture.planes if p.name == "/host:CPU"]
    events = plane.events
    steps = find_steps(events)
    ops = find_async_ops(events, steps)
    batches = find_batches(events, steps)
    tasks = find_tasks(events, batches)
    task_owners = find_task_owners(events, tasks, ops)
    batches = finish_function_batches(batches, tasks, ops, task_owners.call)
    device = find_device_work(capture.planes, events, steps)
    calls = find_host_calls(plane, steps, device.launches)
    lines = tuple(line.name for line in plane.lines)
    waits = find_thread_waits(events, lines, find_closures(events), steps)
    op_class = classify_all(events.names, None)
    staged = stage_steps(events, steps, ops, op_class, device, calls, waits)
    queues = describe_queues(
        find_queues(batches, tasks, ops_of_tasks(task_owners, ops), events.names),
        batches,
        tasks,
        held_spans(events, batches, capture.window),
        capture.window,
        None,
        capture.metrics,
    )
    ledger = link_steps(steps, ops, batches, tasks, queues, task_owners, staged)
    roots = find_roots(events, lines, steps, ops, batches, tasks, task_owners)
    return find_sources(events, roots, ledger)


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
    sources = origins_of(capture)
    (plane,) = capture.planes
    lines = [plane.lines[plane.events.line_index[row]].name for row in sources.row]
    # By begin, then end; of equals the batched one first, as in the request table.
    assert lines == ["grpc-3", "grpc-1", "grpc-2"]
    assert sources.step.tolist()[1] == -1
    assert (sources.step[[0, 2]] >= 0).all()
    # Tasks in row order: that of the session on the first line, that of the call on the fifth.
    assert sources.of_task.tolist() == [1, 0]


@given(servers())
def test_origins_are_in_the_order_of_the_request_table(trace: Trace) -> None:
    capture = capture_of(trace.text())
    requests, sources = analyze(capture).requests, origins_of(capture)
    (plane,) = [p for p in capture.planes if p.name == "/host:CPU"]
    assert plane.events.start_ns[sources.row].tolist() == requests.start_ns.tolist()
    assert plane.events.end_ns[sources.row].tolist() == requests.end_ns.tolist()
