"""Which step launched each device event, and which kernels it then waited behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.columns.intervals import Lanes, Set, union
from diag.analysis.columns.joins import earliest_after, latest_before
from diag.analysis.columns.nesting import innermost
from diag.analysis.execution.parts import StepIntervals
from diag.analysis.execution.steps import Steps
from diag.errors import InputError
from diag.model.events import EventTable, Int64s

# Pairs of a launch and a kernel it waited behind; 24 bytes each. A server has thousands.
WAITS_MAX = 20_000_000
TO_DEVICE = 1
FROM_DEVICE = 2


@dataclass(frozen=True, slots=True)
class Linked:
    """Events of one plane that belong to a step, their copy directions, and waits behind others."""

    events: StepIntervals
    direction: NDArray[np.int8]
    behind: StepIntervals


def link(events: EventTable, row: Int64s, host: EventTable, steps: Steps) -> Linked:
    """Find the step of each device event.

    Args:
        events: Of the device plane.
        row: Its stream events.
        host: Of the host plane, which holds the launches.
        steps: All.

    Raises:
        InputError: Too many launches wait behind too many kernels.
    """
    start, end = events.start_ns[row], events.end_ns[row]
    way = _directions(events, row)
    kernels = union(start[way == 0], end[way == 0])
    launch = _launches(events, row, host)
    burst = innermost(host, steps.burst_row, launch)
    mine = (launch >= 0) & (burst >= 0)
    step = steps.burst_step[burst[mine]]
    start, end, way = start[mine], end[mine], way[mine]
    pending = StepIntervals(step, np.minimum(host.start_ns[launch[mine]], start), start)
    behind = _behind(pending.where(way == 0), kernels, steps)
    return Linked(StepIntervals(step, start, end), way, behind)


def _launches(events: EventTable, row: Int64s, host: EventTable) -> Int64s:
    """Host row that launched each device event, or -1.

    Where an id repeats: the last one before the event; or, since the two clocks were matched only
    once, the first one after it.
    """
    stat = host.stat("correlation_id")
    at = host.start_ns[stat.rows]
    wanted, wanted_ns = events.stat("correlation_id").at(row), events.start_ns[row]
    found = latest_before(stat.values, at, wanted, wanted_ns)
    later = earliest_after(stat.values, at, wanted, wanted_ns)
    found = np.where(found >= 0, found, later)
    has_id = (found >= 0) & (wanted >= 0)
    return np.where(has_id, stat.rows[found] if len(stat.rows) else -1, -1)


def _behind(pending: StepIntervals, kernels: Set, steps: Steps) -> StepIntervals:
    """Pending time during which kernels ran; own kernels take precedence as a layer above.

    Raises:
        InputError: So many launches wait behind so many kernels that it would not fit in memory.
    """
    lanes = Lanes.over(steps.start_ns, np.maximum(steps.start_ns, steps.end_ns))
    low, high = steps.start_ns[pending.step], steps.end_ns[pending.step]
    begin, stop = union(
        lanes.place(pending.step, np.clip(pending.start_ns, low, high)),
        lanes.place(pending.step, np.clip(pending.end_ns, low, high)),
    )
    step, begin_ns = lanes.owner(begin), lanes.time(begin)
    stop_ns = begin_ns + stop - begin
    start, end = kernels
    first = np.searchsorted(end, begin_ns, side="right")
    count = np.maximum(np.searchsorted(start, stop_ns, side="left") - first, 0)
    if count.sum() > WAITS_MAX:
        raise InputError(
            f"{len(begin)} launches waited behind {len(start)} kernels: too many to analyse",
            hint="capture a shorter window",
        )
    source = np.repeat(np.arange(len(count)), count)
    index = first[source] + np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
    return StepIntervals(
        step[source],
        np.maximum(start[index], begin_ns[source]),
        np.minimum(end[index], stop_ns[source]),
    )


def _directions(events: EventTable, row: Int64s) -> NDArray[np.int8]:
    """Copy direction of each event by its name, or by its details where they say more."""
    direction = np.array([_direction(name) for name in events.names], np.int8)
    way = direction[events.name_id[row]]
    details = events.stat("memcpy_details").at(row)
    told = details >= 0
    way[told] = np.maximum(way[told], direction[details[told]])
    return np.asarray(way, np.int8)


def _direction(text: str) -> int:
    """TO_DEVICE, FROM_DEVICE, or 0 for anything else.

    Names and details as cupti_collector.cc and rocm_collector.cc write them.
    """
    folded = text.lower()
    if "memcpyh2d" in folded or "htod" in folded or "hosttodevice" in folded:
        return TO_DEVICE
    if "memcpyd2h" in folded or "dtoh" in folded or "devicetohost" in folded:
        return FROM_DEVICE
    return 0
