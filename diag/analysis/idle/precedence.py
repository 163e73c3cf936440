"""The one order in which causes are tried at every idle instant, and how near each is.

The cause is the state of the request that has come furthest: that one would have made the device
busy next. What the machine did to all requests comes before; what no open request explains, after.
docs/attribution.md shows this order to users.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.analysis.columns.intervals import EMPTY, Set, intersect, merge, subtract, union
from diag.analysis.execution.device_lines import DRIVER_EVENTS
from diag.analysis.execution.device_work import Device
from diag.analysis.execution.host_calls import Calls, HostCalls
from diag.analysis.idle.claims import Claim
from diag.analysis.idle.cold_runs import cold_run_claim
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.device_use import DeviceUse
from diag.analysis.idle.evidence import Witnesses
from diag.analysis.idle.machine_claims import profiler_claim, throttled_claim
from diag.analysis.idle.pending import pending_claim
from diag.analysis.idle.queue_claims import hidden_claim, queue_claims, split_claim
from diag.analysis.idle.scene import Scene
from diag.analysis.idle.step_claims import step_claims
from diag.analysis.idle.upstream import edge_claim, ingress_claim
from diag.analysis.idle.witness_events import StepWitnesses
from diag.model.gaps import IdleCause

# How far from the device what a cause speaks of is: causes with one number are equally near, and
# one that is a runner-up of another makes it doubtful. A call is nearer than the step around it.
NEARNESS = {
    IdleCause.PROFILER: 0,
    IdleCause.THROTTLED: 0,
    IdleCause.ALLOCATOR: 1,
    IdleCause.COLD_START: 1,
    IdleCause.TRANSFER: 1,
    IdleCause.LAUNCH: 2,
    IdleCause.PREPROCESS: 3,
    IdleCause.MODEL_LOAD: 3,
    IdleCause.EXECUTOR_POOL: 3,
    IdleCause.BATCH_THREADS_IN_HOST_WORK: 4,
    IdleCause.DISPATCH: 4,
    IdleCause.BATCH_FILL: 5,
    IdleCause.SYNC_OR_OUTPUT: 6,
    IdleCause.INGRESS: 7,
    IdleCause.TRACE_EDGE: 7,
    IdleCause.UNEXPLAINED: 8,
    IdleCause.NO_DEMAND: 9,
}


# What the driver's records on the tracer's overhead lines say of loading; a full command buffer is
# none of it.
_LOADING_RECORDS = tuple(name for name in DRIVER_EVENTS if name != "COMMAND_BUFFER_FULL")


def ordered_claims(
    scene: Scene,
    use: DeviceUse,
    demand: Demand,
    calls: HostCalls,
    blanks: Set,
    seen: StepWitnesses,
    device: Device | None,
) -> tuple[Claim, ...]:
    """All claims on one timeline, in order of precedence; what none covers is no-demand.

    Args:
        scene: Everything known.
        use: What concerns the device.
        demand: What was asked of it.
        calls: Host calls by kind.
        blanks: When no host event began or ended.
        seen: Events that may show what a step was doing.
        device: The device; None for the execution on the CPU.
    """
    steps = step_claims(scene, use, calls, seen, device)
    host_work, dispatch, fill = queue_claims(scene, use)
    throttled = throttled_claim(scene, blanks, demand.open, dispatch.shown)
    cold = _cold_start(scene, use, calls, demand, device)
    load = _model_load(scene, use, calls, demand)
    output = (steps.output, split_claim(scene, use))
    outside = (
        ingress_claim(scene, demand),
        edge_claim(scene, use, demand, is_device=device is not None),
        _unexplained(scene, demand),
    )
    ahead = (steps.preprocess_ahead, steps.executor_pool_ahead)
    if device is None:
        return (
            throttled,
            cold,
            steps.preprocess,
            load,
            steps.executor_pool,
            host_work,
            dispatch,
            fill,
            *ahead,
            *output,
            *outside,
        )
    cold_run, doubtful = cold_run_claim(scene, use, device)

    def during(cause: IdleCause, kind: Calls) -> Claim:
        mine = _of_requests(kind, use, calls, device)
        claimed = intersect(mine.open, demand.open)
        return Claim(cause, claimed, claimed, (Witnesses.of(scene.host.events, mine.row),))

    return (
        profiler_claim(scene, device, demand),
        throttled,
        during(IdleCause.ALLOCATOR, calls.allocator),
        cold,
        during(IdleCause.TRANSFER, calls.copy),
        pending_claim(scene, device, demand),
        steps.launch,
        cold_run,
        replace(steps.preprocess, shown=subtract(steps.preprocess.shown, doubtful)),
        load,
        hidden_claim(scene, use),
        steps.executor_pool,
        host_work,
        dispatch,
        fill,
        *ahead,
        during(IdleCause.SYNC_OR_OUTPUT, calls.sync),
        *output,
        *outside,
    )


def _of_requests(kind: Calls, use: DeviceUse, calls: HostCalls, device: Device | None) -> Calls:
    """Calls that concern the device, but those of loaders: these may name it, and answer nobody."""
    answering = kind.where((kind.step < 0) | ~np.append(calls.loading, False)[kind.step])
    return answering.concerning(-1 if device is None else _ordinal(device), use.steps)


def _cold_start(
    scene: Scene, use: DeviceUse, calls: HostCalls, demand: Demand, device: Device | None
) -> Claim:
    """Compiling and loading inside a request's step; and the driver's own records of it."""
    mine = _of_requests(calls.cold_start, use, calls, device)
    events = scene.host.events
    told = events.rows_named(*_LOADING_RECORDS)
    by_driver = [union(events.start_ns[told], events.end_ns[told])]
    if device is not None:
        own = device.plane.events
        row = own.rows_named(*_LOADING_RECORDS)
        by_driver.append(union(own.start_ns[row], own.end_ns[row]))
    claimed = intersect(merge(mine.open, *by_driver), demand.open)
    return Claim(
        IdleCause.COLD_START,
        claimed,
        claimed,
        (Witnesses.of(events, mine.row), Witnesses.of(events, told)),
    )


def _model_load(scene: Scene, use: DeviceUse, calls: HostCalls, demand: Demand) -> Claim:
    """Steps that restore variables or warm a model up, while anything else is open."""
    steps, events = scene.ledger.steps, scene.host.events
    mine = np.flatnonzero(calls.loading & use.steps & ~steps.is_orphan)
    runs = Witnesses(steps.start_ns[mine], steps.end_ns[mine], steps.row[mine])
    claimed = intersect(merge(union(runs.start_ns, runs.end_ns), calls.load.open), demand.open)
    return Claim(
        IdleCause.MODEL_LOAD, claimed, claimed, (Witnesses.of(events, calls.load.row), runs)
    )


def _unexplained(scene: Scene, demand: Demand) -> Claim:
    """Something is open, or may be where the tracer level hides requests."""
    own = demand.request >= 0
    row = scene.origins.row[demand.request[own]]
    open_roots = Witnesses(demand.start_ns[own], demand.end_ns[own], row)
    return Claim(IdleCause.UNEXPLAINED, merge(demand.open, scene.unseen), EMPTY, (open_roots,))


def _ordinal(device: Device) -> int:
    """The number in the plane's name, -2 where it has none: calls on no device bear -1."""
    number = device.name.rpartition(":")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else -2
