"""Time that runs with GPU work spent in calls of the driver and the compiler, by stage.

A call that copies takes time on the host, above all from memory that is not pinned. It is stage
``transfer-in`` or ``transfer-out``, like the copy. Allocating memory, loading modules,
instantiating graphs and compiling are stage ``launch`` anywhere in the run, as they are never
preprocessing of the user's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_kinds import (
    COPY_IN,
    COPY_OUT,
    KERNEL,
    UNKNOWN_KIND,
    Kinds,
    known_directions,
)
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.host_calls import Calls, HostCalls
from diag.analysis.execution.parts import StepIntervals
from diag.model.events import Bools, EventTable, Int64s
from diag.model.intervals import NEVER_NS


@dataclass(frozen=True, slots=True, eq=False)
class DriverTime:
    """Host time of steps with device work.

    Attributes:
        copies_in: In calls that copy to a device.
        copies_out: In calls that copy from one.
        preparing: In calls that allocate, load, instantiate or compile.
    """

    copies_in: StepIntervals
    copies_out: StepIntervals
    preparing: StepIntervals


def find_driver_time(host: EventTable, calls: HostCalls, device: DeviceWork) -> DriverTime:
    """Find the calls and the direction of copies; copies within a device are of neither stage."""
    used = np.append(device.used, False)  # the last place is for the step -1
    copying = calls.copy.where(used[calls.copy.step])
    direction = _directions(host, copying, device)
    held, cold = (each.where(used[each.step]) for each in (calls.allocator, calls.cold_start))
    return DriverTime(
        _intervals(copying.where(direction == COPY_IN)),
        _intervals(copying.where(direction == COPY_OUT)),
        _intervals(held).plus(_intervals(cold)),
    )


def _intervals(calls: Calls) -> StepIntervals:
    return StepIntervals(calls.step, calls.start_ns, calls.end_ns)


def _directions(host: EventTable, calls: Calls, device: DeviceWork) -> Kinds:
    """(n,) direction by the call itself, else by its copy, else by its place in its run."""
    direction = known_directions(host, calls.row)
    for each in device.devices:
        work = each.events
        copies = np.flatnonzero((work.kind != KERNEL) & (work.launch >= 0))
        unknown = np.flatnonzero(direction == UNKNOWN_KIND)
        if not len(copies) or not len(unknown):
            continue
        copies = copies[np.argsort(work.launch[copies], kind="stable")]
        launched = work.launch[copies]
        at = np.minimum(np.searchsorted(launched, calls.row[unknown]), len(launched) - 1)
        found = launched[at] == calls.row[unknown]
        direction[unknown[found]] = work.kind[copies[at[found]]]
    unknown = np.flatnonzero(direction == UNKNOWN_KIND)
    if len(unknown):
        first, last = _kernels(device)
        step = calls.step[unknown]
        after = calls.end_ns[unknown] > last[step]
        direction[unknown[after]] = COPY_OUT
        direction[unknown[calls.start_ns[unknown] < first[step]]] = COPY_IN
    return direction


def _kernels(device: DeviceWork) -> tuple[Int64s, Int64s]:
    """(steps,) begin of the first and end of the last kernel; ``NEVER_NS`` where there is none."""
    steps = len(device.first_ns)
    first, last = np.full(steps, NEVER_NS), np.full(steps, -1, np.int64)
    for each in device.devices:
        work = each.events
        mine: Bools = (work.kind == KERNEL) & (work.step >= 0)
        np.minimum.at(first, work.step[mine], work.start_ns[mine])
        np.maximum.at(last, work.step[mine], work.end_ns[mine])
    return first, np.where(last >= 0, last, NEVER_NS)
