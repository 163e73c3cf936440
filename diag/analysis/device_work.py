"""Work on GPUs: which events are real, what kind they are, and whose step they belong to.

Only stream lines count: a device plane may also hold lines derived from them ("TensorFlow Ops",
"Steps", "XLA Modules"), and counting those would double the time (xplane_schema.h, TensorFlow
2.21). A device event belongs to the step whose executor burst holds the host event with the same
``correlation_id``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.intervals import Set, union
from diag.analysis.joins import earliest_after, latest_before
from diag.analysis.nesting import innermost
from diag.analysis.parts import Spread, StepIntervals
from diag.analysis.steps import Steps
from diag.analysis.tiling import Layer
from diag.model.events import EventTable, Int64s, Plane
from diag.model.serving import Stage

GPU_PLANE_PREFIX = "/device:GPU:"
_TO_DEVICE = 1
_FROM_DEVICE = 2
DERIVED_LINES = frozenset(
    {
        "TensorFlow Ops",
        "TensorFlow Name Scope",
        "Framework Ops",
        "Framework Name Scope",
        "Steps",
        "XLA Modules",
        "XLA Ops",
        "XLA TraceMe",
        "Source",
        "Source code",
        "CUPTI overhead",
        "_counters_",
    }
)


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU's real events.

    Attributes:
        name: Plane name.
        busy: When any stream ran a kernel, a copy or a memset.
    """

    name: str
    busy: Set


@dataclass(frozen=True, slots=True)
class DeviceWork:
    """Device time by root step.

    Attributes:
        devices: Those planes that have stream events.
        kernels: Kernels, device-to-device copies and memsets.
        copies_in: Host to device.
        copies_out: Device to host.
        behind: From launch to begin of each kernel, as far as its device ran other kernels.
        first_ns: (steps,) begin of the first device event; of a step without any, far in the
            future.
        last_ns: (steps,) end of its last device event, -1 if none.
    """

    devices: tuple[Device, ...]
    kernels: StepIntervals
    copies_in: StepIntervals
    copies_out: StepIntervals
    behind: StepIntervals
    first_ns: Int64s
    last_ns: Int64s

    def layers(self, work: StepIntervals, spread: Spread) -> list[Layer]:
        """What the device did for each step, then what the host did around it."""
        on_device = self.first_ns < self.last_ns
        if not on_device.any():
            return []
        step = np.flatnonzero(on_device)
        first, last = self.first_ns[step], self.last_ns[step]
        work = work.where(on_device[work.step])
        before = StepIntervals(
            work.step, work.start_ns, np.minimum(work.end_ns, self.first_ns[work.step])
        )
        after = StepIntervals(
            work.step, np.maximum(work.start_ns, self.last_ns[work.step]), work.end_ns
        )
        return [
            spread.layer(Stage.COMPUTE, self.kernels),
            spread.layer(Stage.TRANSFER_IN, self.copies_in),
            spread.layer(Stage.TRANSFER_OUT, self.copies_out),
            spread.layer(Stage.DEVICE_WAIT, self.behind),
            spread.layer(Stage.PREPROCESS, before.where(before.end_ns > before.start_ns)),
            spread.layer(Stage.LAUNCH, StepIntervals(step, first, last)),
            spread.layer(Stage.POSTPROCESS, after.where(after.end_ns > after.start_ns)),
        ]


def stream_rows(plane: Plane) -> Int64s:
    """Rows of the plane's stream events."""
    real = np.array([line.name not in DERIVED_LINES for line in plane.lines], np.bool_)
    if not len(real) or not len(plane.events):
        return np.empty(0, np.int64)
    return np.flatnonzero(real[plane.events.line_index])


def find_device_work(planes: tuple[Plane, ...], host: EventTable, steps: Steps) -> DeviceWork:
    """Read all GPU planes and link their events to steps by correlation id."""
    devices: list[Device] = []
    found: list[_Linked] = []
    for plane in planes:
        if not plane.name.startswith(GPU_PLANE_PREFIX):
            continue
        row = stream_rows(plane)
        if not len(row):
            continue
        devices.append(
            Device(plane.name, union(plane.events.start_ns[row], plane.events.end_ns[row]))
        )
        found.append(_link(plane.events, row, host, steps))
    if not found:
        return no_device_work(len(steps))
    events = _concat([f.events for f in found])
    way = np.concatenate([f.direction for f in found])
    first = np.full(len(steps), np.iinfo(np.int64).max)
    last = np.full(len(steps), -1, np.int64)
    np.minimum.at(first, events.step, events.start_ns)
    np.maximum.at(last, events.step, events.end_ns)
    return DeviceWork(
        devices=tuple(devices),
        kernels=events.where(way == 0),
        copies_in=events.where(way == _TO_DEVICE),
        copies_out=events.where(way == _FROM_DEVICE),
        behind=_concat([f.behind for f in found]),
        first_ns=first,
        last_ns=last,
    )


def no_device_work(steps: int) -> DeviceWork:
    """What a host without GPU planes has."""
    none = np.empty(0, np.int64)
    empty = StepIntervals(none, none, none)
    far = np.full(steps, np.iinfo(np.int64).max)
    return DeviceWork((), empty, empty, empty, empty, far, np.full(steps, -1, np.int64))


@dataclass(frozen=True, slots=True)
class _Linked:
    """Events of one plane that belong to a step, their copy directions, and waits behind others."""

    events: StepIntervals
    direction: NDArray[np.int8]
    behind: StepIntervals


def _link(events: EventTable, row: Int64s, host: EventTable, steps: Steps) -> _Linked:
    start, end = events.start_ns[row], events.end_ns[row]
    way = _directions(events, row)
    kernels = union(start[way == 0], end[way == 0])
    launch = _launches(events, row, host)
    burst = innermost(host, steps.burst_row, launch)
    mine = (launch >= 0) & (burst >= 0)
    step = steps.burst_step[burst[mine]]
    start, end, way = start[mine], end[mine], way[mine]
    pending = StepIntervals(step, np.minimum(host.start_ns[launch[mine]], start), start)
    behind = _behind(pending.where(way == 0), kernels)
    return _Linked(StepIntervals(step, start, end), way, behind)


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


def _behind(pending: StepIntervals, kernels: Set) -> StepIntervals:
    """Pending time during which kernels ran; own kernels take precedence as a layer above."""
    start, end = kernels
    low = np.searchsorted(end, pending.start_ns, side="right")
    high = np.searchsorted(start, pending.end_ns, side="left")
    count = np.maximum(high - low, 0)
    source = np.repeat(np.arange(len(count)), count)
    index = low[source] + np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
    return StepIntervals(
        pending.step[source],
        np.maximum(start[index], pending.start_ns[source]),
        np.minimum(end[index], pending.end_ns[source]),
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
    """_TO_DEVICE, _FROM_DEVICE, or 0 for anything else.

    Names and details as cupti_collector.cc and rocm_collector.cc write them.
    """
    folded = text.lower()
    if "memcpyh2d" in folded or "htod" in folded or "hosttodevice" in folded:
        return _TO_DEVICE
    if "memcpyd2h" in folded or "dtoh" in folded or "devicetohost" in folded:
        return _FROM_DEVICE
    return 0


def _concat(parts: list[StepIntervals]) -> StepIntervals:
    return StepIntervals(
        np.concatenate([p.step for p in parts]),
        np.concatenate([p.start_ns for p in parts]),
        np.concatenate([p.end_ns for p in parts]),
    )
