"""Causes that one host call shows by itself: the allocator, copies, waits, compiling, loading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_lines import DRIVER_EVENTS
from diag.analysis.execution.device_work import Device
from diag.analysis.execution.host_calls import Calls
from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.timeline import IdleTimeline
from diag.analysis.intervals.sets import intersect, merge, union
from diag.model.gaps import IdleCause

# Records of the driver on the tracer's overhead lines that are of loading; a full command buffer is
# not.
_LOADING_RECORDS = tuple(name for name in DRIVER_EVENTS if name != "COMMAND_BUFFER_FULL")

# Ordinal for a device whose name has no number; -1 is that of a call that names no device.
_NO_ORDINAL = -2


@dataclass(frozen=True, slots=True, eq=False)
class CallCauses:
    """What host calls explain, only while a request is open.

    Attributes:
        allocator: Allocating or freeing device memory or pinned host memory.
        cold_start: Compiling, or loading code onto the device, inside a request's step.
        transfer: Handing a copy to the driver.
        sync: Waiting for a stream, an event or a context.
        model_load: Steps that restore a model's variables or warm it up.
    """

    allocator: CauseIntervals
    cold_start: CauseIntervals
    transfer: CauseIntervals
    sync: CauseIntervals
    model_load: CauseIntervals


def call_causes(inputs: IdleInputs, timeline: IdleTimeline) -> CallCauses:
    """Find them on one timeline."""
    calls = inputs.execution.calls
    return CallCauses(
        allocator=_during(IdleCause.ALLOCATOR, calls.allocator, inputs, timeline),
        cold_start=_cold_start(inputs, timeline),
        transfer=_during(IdleCause.TRANSFER, calls.copy, inputs, timeline),
        sync=_during(IdleCause.SYNC_OR_OUTPUT, calls.sync, inputs, timeline),
        model_load=_model_load(inputs, timeline),
    )


def _during(
    cause: IdleCause, calls: Calls, inputs: IdleInputs, timeline: IdleTimeline
) -> CauseIntervals:
    """While any such call of a request is open."""
    mine = _of_requests(calls, inputs, timeline)
    active = intersect(mine.open, timeline.demand.open)
    events = EvidenceEvents.of(inputs.execution.events, mine.row)
    return CauseIntervals(cause, active, active, (events,))


def _of_requests(calls: Calls, inputs: IdleInputs, timeline: IdleTimeline) -> Calls:
    """The calls that concern the timeline, without those of steps that load a model."""
    loading = np.append(inputs.execution.calls.loading, False)
    answering = calls.where((calls.step < 0) | ~loading[calls.step])
    ordinal = -1 if timeline.device is None else _ordinal(timeline.device)
    return answering.concerning(ordinal, timeline.use.steps)


def _cold_start(inputs: IdleInputs, timeline: IdleTimeline) -> CauseIntervals:
    """Compiling and loading inside a request's step, and the driver's own records of loading."""
    events, device = inputs.execution.events, timeline.device
    mine = _of_requests(inputs.execution.calls.cold_start, inputs, timeline)
    record = events.rows_named(*_LOADING_RECORDS)
    by_driver = [union(events.start_ns[record], events.end_ns[record])]
    if device is not None:
        on_device = device.plane.events
        row = on_device.rows_named(*_LOADING_RECORDS)
        by_driver.append(union(on_device.start_ns[row], on_device.end_ns[row]))
    active = intersect(merge(mine.open, *by_driver), timeline.demand.open)
    evidence = (EvidenceEvents.of(events, mine.row), EvidenceEvents.of(events, record))
    return CauseIntervals(IdleCause.COLD_START, active, active, evidence)


def _model_load(inputs: IdleInputs, timeline: IdleTimeline) -> CauseIntervals:
    """Steps that restore variables or warm up a model, while a request is open."""
    steps, events = inputs.execution.steps, inputs.execution.events
    calls = inputs.execution.calls
    mine = np.flatnonzero(calls.loading & timeline.use.steps & ~steps.is_orphan)
    runs = EvidenceEvents(steps.start_ns[mine], steps.end_ns[mine], steps.row[mine])
    loading = merge(union(runs.start_ns, runs.end_ns), calls.load.open)
    active = intersect(loading, timeline.demand.open)
    evidence = (EvidenceEvents.of(events, calls.load.row), runs)
    return CauseIntervals(IdleCause.MODEL_LOAD, active, active, evidence)


def _ordinal(device: Device) -> int:
    """The number in the device's name, ``/device:GPU:0``."""
    number = device.name.rpartition(":")[2]
    return int(number) if number.isdecimal() and len(number) < 10 else _NO_ORDINAL
