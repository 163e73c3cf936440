"""Claims from outside the trace: requests on their way in, and what an edge of it may hide."""

from __future__ import annotations

import numpy as np

from diag.analysis.columns.intervals import EMPTY, Set, intersect, merge, subtract, union
from diag.analysis.idle.claims import Claim
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.device_use import DeviceUse, records_of
from diag.analysis.idle.evidence import Witnesses
from diag.analysis.idle.scene import Scene
from diag.analysis.samples.metrics import ModelMetrics, summarize_metrics
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.gaps import IdleCause


def ingress_claim(scene: Scene, demand: Demand) -> Claim:
    """Nothing is open, but the next request is near enough to be in the server already.

    Only where, by the server's counters, a request spends more time outside ``Session::Run`` than
    in it: then as long before its begin as that time is on average, which counts its way out too.
    """
    reach = _reach_ns(scene)
    own = demand.request[demand.request >= 0]
    start = scene.requests.start_ns[own]
    begin = start - reach[own]
    near = begin < start
    claimed = subtract(union(begin[near], start[near]), demand.open)
    row = scene.origins.row[own]
    return Claim(
        IdleCause.INGRESS,
        claimed,
        EMPTY,
        (Witnesses(begin[near], start[near], row[near]),),
    )


def edge_claim(scene: Scene, use: DeviceUse, demand: Demand, *, is_device: bool) -> Claim:
    """Where a cut request may be open silently, or open steps lie beyond the device's records."""
    return Claim(
        IdleCause.TRACE_EDGE,
        merge(demand.silent, _beyond_records(scene, use) if is_device else EMPTY),
    )


def _beyond_records(scene: Scene, use: DeviceUse) -> Set:
    """Steps open before the first and after the last record of any device: theirs may be lost."""
    first, last = records_of(scene.device)
    parts = scene.staged.parts
    mine = (use.steps & ~scene.calls.loading)[parts.step]
    ran = union(parts.start_ns[mine], parts.end_ns[mine])
    window = scene.capture.window
    outside = union(
        np.array([window.start_ns, max(last, window.start_ns)]),
        np.array([min(first, window.end_ns), window.end_ns]),
    )
    return intersect(outside, ran)


def _reach_ns(scene: Scene) -> Int64s:
    """(requests,) mean time outside ``Session::Run`` of its model where that dominates, else 0."""
    requests, pair = scene.requests, scene.capture.metrics
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
