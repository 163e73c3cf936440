"""``analyze()``: the steps from a Capture to an Analysis.

Execution, then batching, then requests, then idle time; each step uses only those before it.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from diag.analysis.batching.batching import find_batching
from diag.analysis.blocking import find_blocking
from diag.analysis.caveats import CaveatInputs, applicable, find_caveats
from diag.analysis.clients.client_times import client_view
from diag.analysis.counts import count
from diag.analysis.device.account import account_devices
from diag.analysis.device.caveats import without_duplicates
from diag.analysis.device.clock import find_clock
from diag.analysis.device.loss import find_loss
from diag.analysis.execution.device_window import find_device_window
from diag.analysis.execution.execution import Execution, find_execution
from diag.analysis.execution.op_class import compile_preprocess_ops
from diag.analysis.execution.op_times import rank_ops
from diag.analysis.execution.pool_waits import measure_pool_waits
from diag.analysis.execution.preprocess_loops import find_preprocess_loop
from diag.analysis.idle import IdleInputs, IdleTime, find_gaps
from diag.analysis.intervals.sets import merge, union
from diag.analysis.loops.loops import find_loops
from diag.analysis.requests.attribution import AttributedRequests, attribute_requests
from diag.analysis.requests.kinds import KINDS, RequestKind
from diag.analysis.requests.paths import RequestPaths
from diag.analysis.requests.unseen_refusals import count_unseen_refusals
from diag.analysis.result import Analysis
from diag.analysis.samples.cross_check import cross_check
from diag.analysis.samples.metrics import model_metrics
from diag.analysis.samples.model_loads import count_loads
from diag.analysis.samples.observer import observer_figures
from diag.analysis.samples.probe import probe_latency
from diag.analysis.samples.sources import summarize_sources
from diag.analysis.samples.utilization import sampled_utilization
from diag.analysis.summary import summarize_gaps, summarize_models, summarize_queues
from diag.analysis.tail import find_tails
from diag.analysis.tracer_level import hidden_requests, hidden_work, tracer_level
from diag.analysis.visibility import Visibility
from diag.formats.text.serving_metrics import is_of_model_server
from diag.formats.trace import event_names as ev
from diag.formats.trace.program import find_program
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat
from diag.model.intervals import IntervalSet


def analyze(
    capture: Capture,
    *,
    preprocess_ops: str | re.Pattern[str] | None = None,
    kinds: tuple[RequestKind, ...] = KINDS,
) -> Analysis:
    """Attribute every request's time and explain every idle gap.

    Args:
        capture: What was recorded. Without batching parameters in it, those of a queue come from
            the server's metrics or are estimated, and marked so.
        preprocess_ops: Regular expression of further ops that count as preprocessing, searched for
            in the op type and in ``<node>:<OpType>``.
        kinds: The kinds of requests to look for, in order; a kind takes its steps from those after
            it.

    Raises:
        UsageError: ``preprocess_ops`` is not a regular expression.
        InputError: The trace is too long and full to analyse, or has more GPUs than a server.
    """
    execution = find_execution(
        capture.planes, compile_preprocess_ops(preprocess_ops), count_loads(capture)
    )
    batching = find_batching(capture, execution)
    visibility = _find_visibility(capture, execution)
    requests = attribute_requests(
        capture, execution, batching, kinds, has_any=not visibility.program.is_foreign
    )
    idle_time = find_gaps(IdleInputs(capture, execution, requests, visibility))
    return _summarize(capture, execution, requests, visibility, idle_time)


def _find_visibility(capture: Capture, execution: Execution) -> Visibility:
    """The program, the tracer level, what it hides, and how far devices' events can be trusted."""
    events, device = execution.events, execution.device
    program = find_program(capture.planes, is_server=_is_server(capture))
    level = tracer_level(events, capture.tracer_level)
    hidden = None if program.is_foreign else hidden_requests(events, level)
    worked = len(execution.steps) > 0 or bool(program.evidence)
    worked |= any(
        plane.name.startswith(ev.DEVICE_PLANE_PREFIX) and len(plane.events)
        for plane in capture.planes
    )
    return Visibility(
        program=program,
        level=level,
        hidden_requests=hidden,
        hidden_work=hidden_work(events, hidden, capture.window, worked=worked),
        clock=find_clock(device, events),
        loss=find_loss(capture, device),
        device_window=find_device_window(
            execution, capture.window, has_requests=not program.is_foreign
        ),
    )


def _is_server(capture: Capture) -> bool:
    """Whether it answered as a model server: with the status of models, or with its metrics."""
    server = capture.server
    has_models = not isinstance(server, Unavailable) and not isinstance(server.models, Unavailable)
    metrics = capture.metrics
    return has_models or (not isinstance(metrics, Unavailable) and is_of_model_server(metrics))


def _summarize(
    capture: Capture,
    execution: Execution,
    requests: AttributedRequests,
    visibility: Visibility,
    idle_time: IdleTime,
) -> Analysis:
    """Summaries of all tables, and what limits their meaning."""
    counts = count(visibility.hidden_requests, capture.planes, requests)
    models = summarize_models(requests.table, capture.window)
    queues = summarize_queues(requests.batches, requests.table.models)
    idle = summarize_gaps(idle_time.timelines, idle_time.gaps, idle_time.waiting_ns)
    utilization = sampled_utilization(capture)
    gpu = account_devices(capture, execution, requests, visibility, idle, utilization)
    samples, sampled_devices = summarize_sources(capture)
    loops = find_loops(capture, execution.host, visibility.program)
    caveats = find_caveats(
        CaveatInputs(
            capture=capture,
            level=visibility.level,
            counts=counts,
            queues=queues,
            requests=requests.table,
            is_batched=len(execution.events.rows_named(*ev.BATCHER_EVENTS)) > 0,
            models=models,
            loading_runs=execution.calls.loading_runs,
            unseen_refusals=count_unseen_refusals(execution, requests.table, requests.sources),
            loops=loops,
        )
    )
    return Analysis(
        capture=capture,
        host=execution.host,
        program=visibility.program,
        tracer_level=visibility.level,
        counts=counts,
        failures=requests.failures,
        requests=requests.table,
        batches=requests.batches,
        timelines=idle_time.timelines,
        gaps=idle_time.gaps,
        models=models,
        queues=queues,
        idle=idle,
        ops=rank_ops(execution.events, execution.op_class),
        preprocess_loop=find_preprocess_loop(execution.events, execution.op_class, execution.steps),
        blocking=find_blocking(execution, requests),
        pool_waits=measure_pool_waits(execution.events, execution.lines, execution.closures),
        tails=find_tails(
            requests.table,
            requests.batches,
            idle_time.gaps,
            _loading(execution),
            capture.window.duration_ns,
        ),
        caveats=applicable(
            (*_recorded(capture, caveats), *gpu.caveats, *caveats), visibility.program
        ),
        devices=gpu.devices,
        device_costs=gpu.costs,
        detours=gpu.detours,
        kernel_spreads=gpu.spreads,
        kernels=gpu.kernels,
        device_ops=gpu.ops,
        device_clock=visibility.clock,
        device_loss=visibility.loss,
        longest_gaps=idle_time.longest,
        agreements=cross_check(
            replace(capture, window=visibility.device_window),
            execution.device,
            visibility.clock,
            visibility.loss,
        ),
        samples=samples,
        sampled_devices=sampled_devices,
        metrics=model_metrics(capture),
        observer=observer_figures(capture),
        paths=RequestPaths(execution, requests),
        probe=probe_latency(capture),
        clients=client_view(capture, requests.table),
        loops=loops,
    )


def _loading(execution: Execution) -> IntervalSet:
    """When models were loaded or warmed up."""
    steps, calls = execution.steps, execution.calls
    runs = np.flatnonzero(calls.loading & ~steps.is_orphan)
    return merge(union(steps.start_ns[runs], steps.end_ns[runs]), calls.load.open)


def _recorded(capture: Capture, found: tuple[Caveat, ...]) -> tuple[Caveat, ...]:
    """The capture's own caveats without those of which the analysis says the same, and more."""
    named = any(each.code == "model-loaded" and each.fact("loaded") for each in found)
    return tuple(
        each
        for each in without_duplicates(capture)
        if not (named and each.code == "models-changed")
    )
