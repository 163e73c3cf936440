"""Causes without an event of an open request: on its way in, cut by the window, or unknown."""

from __future__ import annotations

import numpy as np

from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.device_use import records_of
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.timeline import IdleTimeline
from diag.analysis.intervals.sets import EMPTY, intersect, merge, subtract, union
from diag.analysis.samples.metrics import ModelMetrics, summarize_metrics
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.gaps import IdleCause
from diag.model.intervals import IntervalSet


def ingress_cause(inputs: IdleInputs, demand: Demand) -> CauseIntervals:
    """Nothing is open, but the next request may already be in the server.

    Only for models whose requests, by the server's counters, spend more time outside
    ``Session::Run`` than in it. The cause is then active for that mean time before a request
    begins. The mean includes the way out, so this is an upper bound.
    """
    reach = _reach_ns(inputs)
    own = demand.request[demand.request >= 0]
    start = inputs.requests.table.start_ns[own]
    begin = start - reach[own]
    near = begin < start
    active = subtract(union(begin[near], start[near]), demand.open)
    row = inputs.requests.sources.root[own]
    events = EvidenceEvents(begin[near], start[near], row[near])
    return CauseIntervals(IdleCause.INGRESS, active, EMPTY, (events,))


def trace_edge_cause(inputs: IdleInputs, timeline: IdleTimeline) -> CauseIntervals:
    """A request cut by the window may be open, or a step lies beyond the device's records."""
    beyond = EMPTY if timeline.device is None else _beyond_records(inputs, timeline)
    return CauseIntervals(IdleCause.TRACE_EDGE, merge(timeline.demand.silent, beyond))


def unexplained_cause(inputs: IdleInputs, demand: Demand) -> CauseIntervals:
    """Something is open, or may be open because the tracer level hides requests."""
    own = demand.request >= 0
    row = inputs.requests.sources.root[demand.request[own]]
    roots = EvidenceEvents(demand.start_ns[own], demand.end_ns[own], row)
    active = merge(demand.open, inputs.visibility.hidden_work)
    return CauseIntervals(IdleCause.UNEXPLAINED, active, EMPTY, (roots,))


def _beyond_records(inputs: IdleInputs, timeline: IdleTimeline) -> IntervalSet:
    """Steps open before the first or after the last record of any device, whose events may be lost.

    The device tracer starts after the host tracer and stops before it.
    """
    first, last = records_of(inputs.execution.device)
    parts = inputs.execution.staged.parts
    mine = timeline.answering_steps(inputs)[parts.step]
    ran = union(parts.start_ns[mine], parts.end_ns[mine])
    window = inputs.capture.window
    outside = union(
        np.array([window.start_ns, max(last, window.start_ns)]),
        np.array([min(first, window.end_ns), window.end_ns]),
    )
    return intersect(outside, ran)


def _reach_ns(inputs: IdleInputs) -> Int64s:
    """(requests,) mean time outside ``Session::Run`` of its model where that dominates, else 0."""
    requests, pair = inputs.requests.table, inputs.capture.metrics
    none = np.zeros(len(requests), np.int64)
    if isinstance(pair, Unavailable):
        return none
    by_model = {each.model: _dominant_ns(each) for each in summarize_metrics(pair) if each.model}
    if not any(by_model.values()):
        return none
    only = next(iter(by_model.values())) if len(by_model) == 1 else 0
    reach = [by_model.get(label.partition(":")[0], only) for label in requests.models]
    return np.array([*reach, 0], np.int64)[requests.model_index]


def _dominant_ns(metrics: ModelMetrics) -> int:
    outside, runtime = metrics.outside_mean_ns, metrics.runtime_latency_mean_ns
    if isinstance(outside, Unavailable) or isinstance(runtime, Unavailable):
        return 0
    return int(outside) if outside > runtime else 0
