"""analyze(): the order in which a Capture is taken apart."""

from __future__ import annotations

import re

import numpy as np

from diag.analysis.batching.batch_table import tabulate
from diag.analysis.batching.batch_threads import held_spans
from diag.analysis.batching.batches import find_batches, find_tasks, finish_function_batches
from diag.analysis.batching.queue_keys import find_queues
from diag.analysis.batching.queues import describe_queues
from diag.analysis.caveats import CaveatInputs, find_caveats
from diag.analysis.counts import count
from diag.analysis.device.account import account_devices
from diag.analysis.device.caveats import without_duplicates
from diag.analysis.device.clock import find_clock
from diag.analysis.device.loss import find_loss
from diag.analysis.execution.closures import find_closures
from diag.analysis.execution.device_work import find_device_work
from diag.analysis.execution.host_calls import find_host_calls
from diag.analysis.execution.op_class import classify_all, compile_preprocess_ops
from diag.analysis.execution.op_times import rank_ops
from diag.analysis.execution.pool_waits import measure_pool_waits
from diag.analysis.execution.step_stages import stage_steps
from diag.analysis.execution.steps import find_async_ops, find_steps
from diag.analysis.execution.thread_waits import find_thread_waits
from diag.analysis.idle import IdleInputs, find_gaps
from diag.analysis.requests.assembly import assemble
from diag.analysis.requests.batcher_visits import preprocess_of_runs
from diag.analysis.requests.linked_steps import link_steps, ops_of_tasks
from diag.analysis.requests.model_names import ModelNames
from diag.analysis.requests.roots import find_roots, find_task_owners
from diag.analysis.requests.sources import find_sources
from diag.analysis.result import Analysis
from diag.analysis.sampled.crosscheck import cross_check
from diag.analysis.sampled.utilization import sampled_utilization
from diag.analysis.samples.metrics import model_metrics
from diag.analysis.samples.observer import observer_figures
from diag.analysis.samples.sources import summarize_sources
from diag.analysis.summary import summarize_gaps, summarize_models, summarize_queues
from diag.analysis.tracer_level import hidden_requests, tracer_level, unseen_work
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters, Capture
from diag.model.events import EventTable, Plane

_NO_EVENTS = EventTable(
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    (),
    {},
)
_NO_PLANE = Plane(0, ev.HOST_PLANE, (), _NO_EVENTS, {})


def analyze(
    capture: Capture,
    *,
    preprocess_ops: str | re.Pattern[str] | None = None,
) -> Analysis:
    """Attribute every request's time and explain every idle gap.

    Args:
        capture: What was recorded. Without batching parameters in it, those of a queue come from
            the server's metrics or are estimated, and marked so.
        preprocess_ops: Regular expression of further ops that count as preprocessing, searched for
            in the op type and in ``<node>:<OpType>``.

    Raises:
        UsageError: ``preprocess_ops`` is not a regular expression.
        InputError: The trace is too long and full to analyse, or has more GPUs than a server.
    """
    plane = _host_plane(capture.planes)
    events, window = plane.events, capture.window
    op_class = classify_all(events.names, compile_preprocess_ops(preprocess_ops))
    level = tracer_level(events, capture.tracer_level)

    steps = find_steps(events)
    ops = find_async_ops(events, steps)
    batches = find_batches(events, steps)
    tasks = find_tasks(events, batches)
    task_owners = find_task_owners(events, tasks, ops)
    batches = finish_function_batches(batches, tasks, ops, task_owners.call)
    device = find_device_work(capture.planes, events, steps)
    calls = find_host_calls(plane, steps, device.launches)
    lines = tuple(line.name for line in plane.lines)
    closures = find_closures(events)
    waits = find_thread_waits(events, lines, closures, steps)
    staged = stage_steps(events, steps, ops, op_class, device, calls, waits)
    queues = describe_queues(
        find_queues(batches, tasks, ops_of_tasks(task_owners, ops), events.names),
        batches,
        tasks,
        held_spans(events, batches, window),
        window,
        _known_parameters(capture),
        capture.metrics,
    )
    linked = link_steps(steps, ops, batches, tasks, queues, task_owners, staged)

    roots = find_roots(events, lines, steps, ops, batches, tasks, task_owners)
    names = ModelNames(capture, events.names)
    preprocess_ns = preprocess_of_runs(batches, linked.step_stage_ns)
    assembled = assemble(events, roots, linked, names)
    batch_table, requests = tabulate(batches, queues, assembled, preprocess_ns)
    worked = len(steps) > 0 or any(
        p.name.startswith(ev.DEVICE_PLANE_PREFIX) and len(p.events) for p in capture.planes
    )
    unseen = unseen_work(events, level, window, worked=worked)
    clock, loss = find_clock(device, events), find_loss(capture, device)
    idle_time = find_gaps(
        IdleInputs(
            capture=capture,
            host=plane,
            op_class=op_class,
            device=device,
            calls=calls,
            staged=staged,
            linked=linked,
            requests=requests,
            sources=find_sources(events, roots, linked),
            closures=closures,
            unseen=unseen,
            level=level,
            clock=clock,
            loss=loss,
        )
    )
    hidden = hidden_requests(events, level)
    counts = count(hidden, capture.planes, roots, requests, batches, tasks)
    models = summarize_models(requests, window)
    idle = summarize_gaps(idle_time.timelines, idle_time.gaps, idle_time.waiting_ns)
    gpu = account_devices(
        capture,
        events,
        op_class,
        device,
        staged,
        linked,
        batch_table,
        requests,
        idle,
        clock,
        loss,
        seen=sampled_utilization(capture),
    )
    samples, sampled_devices = summarize_sources(capture)
    seen = CaveatInputs(capture, level, counts, batch_table.queues, models)
    return Analysis(
        capture=capture,
        host=plane,
        tracer_level=level,
        counts=counts,
        requests=requests,
        batches=batch_table,
        timelines=idle_time.timelines,
        gaps=idle_time.gaps,
        models=models,
        queues=summarize_queues(batch_table, requests.models),
        idle=idle,
        ops=rank_ops(events, op_class),
        pool_waits=measure_pool_waits(events, lines, closures),
        caveats=(*without_duplicates(capture), *gpu.caveats, *find_caveats(seen)),
        devices=gpu.devices,
        device_costs=gpu.costs,
        kernels=gpu.kernels,
        device_ops=gpu.ops,
        device_clock=gpu.clock,
        device_loss=gpu.loss,
        longest_gaps=idle_time.longest,
        agreements=cross_check(capture, device, gpu.clock, gpu.loss),
        samples=samples,
        sampled_devices=sampled_devices,
        metrics=model_metrics(capture),
        observer=observer_figures(capture),
    )


def _known_parameters(capture: Capture) -> BatchingParameters | None:
    parameters = capture.batching_parameters
    return None if isinstance(parameters, Unavailable) else parameters


def _host_plane(planes: tuple[Plane, ...]) -> Plane:
    """The host plane with the most events; a space of one server has one."""
    hosts = [plane for plane in planes if plane.name == ev.HOST_PLANE]
    return max(hosts, key=lambda plane: len(plane.events), default=_NO_PLANE)
