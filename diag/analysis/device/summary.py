"""Totals of each GPU over the window; busy and idle time add up to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.analysis.device.hardware import find_hardware, model_name
from diag.analysis.execution.device_kinds import COPY_IN, COPY_OUT, KERNEL, MEMSET
from diag.analysis.execution.device_links import DeviceEvents
from diag.analysis.execution.device_work import Device, DeviceWork
from diag.analysis.intervals.sets import clip, subtract
from diag.analysis.result import GapSummary
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import DeviceSummary
from diag.model.events import Bools, Plane
from diag.model.intervals import IntervalSet
from diag.model.window import Window

NO_EVENTS = Unavailable(
    "no GPU plane has an event: the GPU was not used, or it could not be traced"
)
NO_SERVER = Unavailable("the trace is not of a model server, so it has no requests")


def summarize_devices(
    capture: Capture,
    device: DeviceWork,
    idle: tuple[GapSummary, ...],
    window: Window,
    *,
    has_requests: bool = True,
) -> tuple[DeviceSummary, ...]:
    """Totals of every GPU plane, in plane order.

    Args:
        capture: Its planes.
        device: Device work in the trace.
        idle: Idle time of each timeline.
        window: The part of the capture's in which GPUs were traced.
        has_requests: False for a program that is no server: then no request can be waiting.
    """
    if not device.devices:
        gpus = [plane for plane in capture.planes if plane.name.startswith(ev.GPU_PLANE_PREFIX)]
        return tuple(_silent(plane, window) for plane in gpus)
    found = {each.timeline.name: each for each in idle if each.timeline.is_device}
    made = (_summary(each, window, found.get(each.name)) for each in device.devices)
    if has_requests:
        return tuple(made)
    return tuple(replace(each, starved_ns=NO_SERVER, no_demand_ns=NO_SERVER) for each in made)


def within(window: Window, a: IntervalSet) -> IntervalSet:
    """The part of the set that lies in the window."""
    return clip(a, window.start_ns, max(window.start_ns, window.end_ns))


def seen_in(window: Window, work: DeviceEvents) -> Bools:
    """(n,) whether any part of an event lies in the window; events of no length included."""
    return np.asarray((work.start_ns < window.end_ns) & (work.end_ns >= window.start_ns), np.bool_)


def copied_in_total(work: DeviceEvents, keep: Bools) -> int | Unavailable:
    """Bytes of the selected copies; 0 without any, Unavailable if none has a recorded size."""
    size = work.size_bytes[keep]
    if len(size) and (size < 0).all():
        return Unavailable(f"none of {len(size)} copies has a recorded size")
    return int(size[size > 0].sum())


def _summary(device: Device, window: Window, idle: GapSummary | None) -> DeviceSummary:
    kernels, copies = within(window, device.kernels), within(window, device.copies)
    kernel_ns = kernels.total_ns
    copy_ns = subtract(copies, kernels).total_ns
    busy_ns = within(window, device.busy).total_ns
    del kernels, copies
    work = device.events
    seen = seen_in(window, work)
    kinds = work.kind[seen]
    count = {kind: int(np.count_nonzero(kinds == kind)) for kind in (KERNEL, MEMSET)}
    idle_ns = window.duration_ns - busy_ns
    return DeviceSummary(
        name=device.name,
        model=model_name(device.plane),
        hardware=find_hardware(device.plane),
        window=window,
        busy_ns=busy_ns,
        kernel_ns=kernel_ns,
        copy_ns=copy_ns,
        memset_ns=busy_ns - kernel_ns - copy_ns,
        idle_ns=idle_ns,
        starved_ns=idle.starved_ns if idle and len(work) else 0,
        no_demand_ns=idle.no_demand_ns if idle and len(work) else idle_ns,
        kernels=count[KERNEL],
        copies=len(kinds) - sum(count.values()),
        memsets=count[MEMSET],
        unlinked=int(np.count_nonzero(work.step[seen] < 0)),
        bytes_in=copied_in_total(work, seen & (work.kind == COPY_IN)),
        bytes_out=copied_in_total(work, seen & (work.kind == COPY_OUT)),
        overhead_ns=within(window, device.overhead).total_ns,
    )


def _silent(plane: Plane, window: Window) -> DeviceSummary:
    return DeviceSummary(
        name=plane.name,
        model=model_name(plane),
        hardware=find_hardware(plane),
        window=window,
        busy_ns=NO_EVENTS,
        kernel_ns=NO_EVENTS,
        copy_ns=NO_EVENTS,
        memset_ns=NO_EVENTS,
        idle_ns=NO_EVENTS,
        starved_ns=NO_EVENTS,
        no_demand_ns=NO_EVENTS,
        kernels=0,
        copies=0,
        memsets=0,
        unlinked=0,
        bytes_in=NO_EVENTS,
        bytes_out=NO_EVENTS,
        overhead_ns=NO_EVENTS,
    )
