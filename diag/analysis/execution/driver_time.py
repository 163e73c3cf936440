"""What runs that used a GPU spent in the driver's and the compiler's calls, by the stage it is of.

A call that copies takes its time on the host, above all from memory that is not pinned: it is
``transfer-in`` or ``transfer-out`` as the copy is. Allocating memory, loading modules,
instantiating graphs and compiling are ``launch``: no preprocessing of the user's, wherever in the
run they come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_kinds import (
    COPY_IN,
    COPY_OUT,
    KERNEL,
    UNTOLD,
    Kinds,
    told_directions,
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
    """Tell the copying calls' directions; those that copy within a device are of neither."""
    used = np.append(device.used, False)  # the last place is that of no step
    copying = calls.copy.where(used[calls.copy.step])
    way = _directions(host, copying, device)
    held, cold = (each.where(used[each.step]) for each in (calls.allocator, calls.cold_start))
    return DriverTime(
        _intervals(copying.where(way == COPY_IN)),
        _intervals(copying.where(way == COPY_OUT)),
        _intervals(held).plus(_intervals(cold)),
    )


def _intervals(calls: Calls) -> StepIntervals:
    return StepIntervals(calls.step, calls.start_ns, calls.end_ns)


def _directions(host: EventTable, calls: Calls, device: DeviceWork) -> Kinds:
    """By the call itself, else by the copy it led to, else by where it lies in its run."""
    way = told_directions(host, calls.row)
    for each in device.devices:
        work = each.events
        copies = np.flatnonzero((work.kind != KERNEL) & (work.launch >= 0))
        untold = np.flatnonzero(way == UNTOLD)
        if not len(copies) or not len(untold):
            continue
        copies = copies[np.argsort(work.launch[copies], kind="stable")]
        launched = work.launch[copies]
        at = np.minimum(np.searchsorted(launched, calls.row[untold]), len(launched) - 1)
        found = launched[at] == calls.row[untold]
        way[untold[found]] = work.kind[copies[at[found]]]
    untold = np.flatnonzero(way == UNTOLD)
    if len(untold):
        first, last = _kernels(device)
        step = calls.step[untold]
        after = calls.end_ns[untold] > last[step]
        way[untold[after]] = COPY_OUT
        way[untold[calls.start_ns[untold] < first[step]]] = COPY_IN
    return way


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
