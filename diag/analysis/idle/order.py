"""The one order in which causes are tried at every idle instant, and how near each is.

The cause is the state of the request that has come furthest: that one would have made the device
busy next. What the machine did to all requests comes before; what no open request explains, after.
docs/attribution.md shows this order to users.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.analysis.execution.device_lines import DRIVER_EVENTS
from diag.analysis.execution.device_work import Device
from diag.analysis.execution.host_calls import Calls, HostCalls
from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.cold_runs import cold_run_cause
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.causes.machine import profiler_cause, throttled_cause
from diag.analysis.idle.causes.outside import ingress_cause, trace_edge_cause
from diag.analysis.idle.causes.pending_launches import pending_launch_cause
from diag.analysis.idle.causes.queues import hidden_run_cause, queue_causes, split_cause
from diag.analysis.idle.causes.step_evidence import StepEvidence
from diag.analysis.idle.causes.steps import step_causes
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.device_use import DeviceUse
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import EMPTY, intersect, merge, subtract, union
from diag.model.gaps import IdleCause
from diag.model.intervals import IntervalSet

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
    IdleCause.QUEUE_EXECUTOR: 3,
    IdleCause.BATCH_THREADS_IN_HOST_WORK: 4,
    IdleCause.QUEUE_DISPATCH: 4,
    IdleCause.QUEUE_FILL: 5,
    IdleCause.SYNC_OR_OUTPUT: 6,
    IdleCause.INGRESS: 7,
    IdleCause.TRACE_EDGE: 7,
    IdleCause.UNEXPLAINED: 8,
    IdleCause.NO_DEMAND: 9,
}


# What the driver's records on the tracer's overhead lines say of loading; a full command buffer is
# none of it.
_LOADING_RECORDS = tuple(name for name in DRIVER_EVENTS if name != "COMMAND_BUFFER_FULL")


def ordered_causes(
    inputs: IdleInputs,
    use: DeviceUse,
    demand: Demand,
    calls: HostCalls,
    blanks: IntervalSet,
    seen: StepEvidence,
    device: Device | None,
) -> tuple[CauseIntervals, ...]:
    """All causes on one timeline, in order of precedence; what none covers is no-demand.

    Args:
        inputs: Everything known.
        use: What concerns the device.
        demand: What was asked of it.
        calls: Host calls by kind.
        blanks: When no host event began or ended.
        seen: Events that may show what a step was doing.
        device: The device; None for the execution on the CPU.
    """
    steps = step_causes(inputs, use, calls, seen, device)
    host_work, dispatch, fill = queue_causes(inputs, use)
    throttled = throttled_cause(inputs, blanks, demand.open, dispatch.confirmed)
    cold = _cold_start(inputs, use, calls, demand, device)
    load = _model_load(inputs, use, calls, demand)
    output = (steps.output, split_cause(inputs, use))
    outside = (
        ingress_cause(inputs, demand),
        trace_edge_cause(inputs, use, demand, is_device=device is not None),
        _unexplained(inputs, demand),
    )
    ahead = (steps.preprocess_ahead, steps.queue_executor_ahead)
    if device is None:
        return (
            throttled,
            cold,
            steps.preprocess,
            load,
            steps.queue_executor,
            host_work,
            dispatch,
            fill,
            *ahead,
            *output,
            *outside,
        )
    cold_run, doubtful = cold_run_cause(inputs, use, device)

    def during(cause: IdleCause, kind: Calls) -> CauseIntervals:
        mine = _of_requests(kind, use, calls, device)
        active = intersect(mine.open, demand.open)
        return CauseIntervals(
            cause, active, active, (EvidenceEvents.of(inputs.execution.events, mine.row),)
        )

    return (
        profiler_cause(inputs, device, demand),
        throttled,
        during(IdleCause.ALLOCATOR, calls.allocator),
        cold,
        during(IdleCause.TRANSFER, calls.copy),
        pending_launch_cause(inputs, device, demand),
        steps.launch,
        cold_run,
        replace(steps.preprocess, confirmed=subtract(steps.preprocess.confirmed, doubtful)),
        load,
        hidden_run_cause(inputs, use),
        steps.queue_executor,
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
    inputs: IdleInputs, use: DeviceUse, calls: HostCalls, demand: Demand, device: Device | None
) -> CauseIntervals:
    """Compiling and loading inside a request's step; and the driver's own records of it."""
    mine = _of_requests(calls.cold_start, use, calls, device)
    events = inputs.execution.events
    told = events.rows_named(*_LOADING_RECORDS)
    by_driver = [union(events.start_ns[told], events.end_ns[told])]
    if device is not None:
        own = device.plane.events
        row = own.rows_named(*_LOADING_RECORDS)
        by_driver.append(union(own.start_ns[row], own.end_ns[row]))
    active = intersect(merge(mine.open, *by_driver), demand.open)
    return CauseIntervals(
        IdleCause.COLD_START,
        active,
        active,
        (EvidenceEvents.of(events, mine.row), EvidenceEvents.of(events, told)),
    )


def _model_load(
    inputs: IdleInputs, use: DeviceUse, calls: HostCalls, demand: Demand
) -> CauseIntervals:
    """Steps that restore variables or warm a model up, while anything else is open."""
    steps, events = inputs.requests.linked.steps, inputs.execution.events
    mine = np.flatnonzero(calls.loading & use.steps & ~steps.is_orphan)
    runs = EvidenceEvents(steps.start_ns[mine], steps.end_ns[mine], steps.row[mine])
    active = intersect(merge(union(runs.start_ns, runs.end_ns), calls.load.open), demand.open)
    return CauseIntervals(
        IdleCause.MODEL_LOAD, active, active, (EvidenceEvents.of(events, calls.load.row), runs)
    )


def _unexplained(inputs: IdleInputs, demand: Demand) -> CauseIntervals:
    """Something is open, or may be where the tracer level hides requests."""
    own = demand.request >= 0
    row = inputs.requests.sources.root[demand.request[own]]
    open_roots = EvidenceEvents(demand.start_ns[own], demand.end_ns[own], row)
    return CauseIntervals(
        IdleCause.UNEXPLAINED,
        merge(demand.open, inputs.visibility.hidden_work),
        EMPTY,
        (open_roots,),
    )


def _ordinal(device: Device) -> int:
    """The number in the plane's name, -2 where it has none: calls on no device bear -1."""
    number = device.name.rpartition(":")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else -2
