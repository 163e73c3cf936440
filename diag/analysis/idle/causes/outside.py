"""Claims from outside the trace: requests on their way in, and what an edge of it may hide."""

from __future__ import annotations

import numpy as np

from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.device_use import DeviceUse, records_of
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import EMPTY, intersect, merge, subtract, union
from diag.analysis.samples.metrics import ModelMetrics, summarize_metrics
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.gaps import IdleCause
from diag.model.intervals import IntervalSet


def ingress_cause(inputs: IdleInputs, demand: Demand) -> CauseIntervals:
    """Nothing is open, but the next request is near enough to be in the server already.

    Only where, by the server's counters, a request spends more time outside ``Session::Run`` than
    in it: then as long before its begin as that time is on average, which counts its way out too.
    """
    reach = _reach_ns(inputs)
    own = demand.request[demand.request >= 0]
    start = inputs.requests.table.start_ns[own]
    begin = start - reach[own]
    near = begin < start
    active = subtract(union(begin[near], start[near]), demand.open)
    row = inputs.requests.sources.root[own]
    return CauseIntervals(
        IdleCause.INGRESS,
        active,
        EMPTY,
        (EvidenceEvents(begin[near], start[near], row[near]),),
    )


def trace_edge_cause(
    inputs: IdleInputs, use: DeviceUse, demand: Demand, *, is_device: bool
) -> CauseIntervals:
    """Where a cut request may be open silently, or open steps lie beyond the device's records."""
    return CauseIntervals(
        IdleCause.TRACE_EDGE,
        merge(demand.silent, _beyond_records(inputs, use) if is_device else EMPTY),
    )


def _beyond_records(inputs: IdleInputs, use: DeviceUse) -> IntervalSet:
    """Steps open before the first and after the last record of any device: theirs may be lost."""
    first, last = records_of(inputs.execution.device)
    parts = inputs.execution.staged.parts
    mine = (use.steps & ~inputs.execution.calls.loading)[parts.step]
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
