"""Work on GPUs: which events are real, what kind they are, and whose step they belong to.

Only stream lines count: a device plane may also hold lines derived from them ("TensorFlow Ops",
"Steps", "XLA Modules"), and counting those would double the time (xplane_schema.h, TensorFlow
2.21). A device event belongs to the step whose executor burst holds the host event with the same
``correlation_id``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals import Set, covered_between, intersect, union
from diag.analysis.nesting import innermost
from diag.analysis.parts import Spread, StepIntervals
from diag.analysis.steps import Steps
from diag.analysis.tiling import Layer
from diag.model.events import Bools, EventTable, Int64s, Plane
from diag.model.serving import Stage

GPU_PLANE_PREFIX = "/device:GPU:"
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
        pending: From launch to begin of each kernel.
        kernel_busy: When any kernel of any step ran.
        first_ns: (steps,) begin of the first device event; of a step without any, far in the
            future.
        last_ns: (steps,) end of its last device event, -1 if none.
    """

    devices: tuple[Device, ...]
    kernels: StepIntervals
    copies_in: StepIntervals
    copies_out: StepIntervals
    pending: StepIntervals
    kernel_busy: Set
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
            spread.layer(Stage.DEVICE_WAIT, self._behind_others()),
            spread.layer(Stage.PREPROCESS, before.where(before.end_ns > before.start_ns)),
            spread.layer(Stage.LAUNCH, StepIntervals(step, first, last)),
            spread.layer(Stage.POSTPROCESS, after.where(after.end_ns > after.start_ns)),
        ]

    def _behind_others(self) -> StepIntervals:
        """Pending time during which kernels ran; own kernels take precedence as a layer above."""
        pending = self.pending
        occupied = covered_between(self.kernel_busy, pending.start_ns, pending.end_ns) > 0
        pending = pending.where(occupied)
        start, end = self.kernel_busy
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


def stream_rows(plane: Plane) -> Int64s:
    """Rows of the plane's stream events."""
    real = np.array([line.name not in DERIVED_LINES for line in plane.lines], np.bool_)
    if not len(real) or not len(plane.events):
        return np.empty(0, np.int64)
    return np.flatnonzero(real[plane.events.line_index])


def find_device_work(planes: tuple[Plane, ...], host: EventTable, steps: Steps) -> DeviceWork:
    """Read all GPU planes and link their events to steps by correlation id."""
    devices: list[Device] = []
    found: list[tuple[StepIntervals, Bools, Bools, StepIntervals]] = []
    launch = host.stat("correlation_id")
    order = np.argsort(launch.values, kind="stable")
    ids, rows = launch.values[order], launch.rows[order]
    for plane in planes:
        if not plane.name.startswith(GPU_PLANE_PREFIX):
            continue
        row = stream_rows(plane)
        if not len(row):
            continue
        start, end = plane.events.start_ns[row], plane.events.end_ns[row]
        devices.append(Device(plane.name, union(start, end)))
        found.append(_link(plane.events, row, host, steps, ids, rows))
    if not found:
        return no_device_work(len(steps))
    events = _concat([f[0] for f in found])
    is_in, is_out = (np.concatenate([f[i] for f in found]) for i in (1, 2))
    first = np.full(len(steps), np.iinfo(np.int64).max)
    last = np.full(len(steps), -1, np.int64)
    np.minimum.at(first, events.step, events.start_ns)
    np.maximum.at(last, events.step, events.end_ns)
    kernels = events.where(~is_in & ~is_out)
    return DeviceWork(
        devices=tuple(devices),
        kernels=kernels,
        copies_in=events.where(is_in),
        copies_out=events.where(is_out),
        pending=_concat([f[3] for f in found]).where(~is_in & ~is_out),
        kernel_busy=union(kernels.start_ns, kernels.end_ns),
        first_ns=first,
        last_ns=last,
    )


def no_device_work(steps: int) -> DeviceWork:
    """What a host without GPU planes has."""
    none = np.empty(0, np.int64)
    empty = StepIntervals(none, none, none)
    far = np.full(steps, np.iinfo(np.int64).max)
    nothing = intersect((none, none), (none, none))
    return DeviceWork((), empty, empty, empty, empty, nothing, far, np.full(steps, -1, np.int64))


def _link(
    events: EventTable, row: Int64s, host: EventTable, steps: Steps, ids: Int64s, rows: Int64s
) -> tuple[StepIntervals, Bools, Bools, StepIntervals]:
    """Events of one plane that belong to a step, their copy directions, and their pending time."""
    correlation = events.stat("correlation_id").at(row)
    if not len(ids) or not len(steps.burst_row):
        row = row[:0]
        correlation = correlation[:0]
    index = np.minimum(np.searchsorted(ids, correlation), max(0, len(ids) - 1))
    matched = ids[index] == correlation if len(ids) else np.zeros(0, np.bool_)
    row, launch_row = row[matched], rows[index[matched]]
    burst = innermost(host, steps.burst_row, launch_row)
    row, launch_row, burst = row[burst >= 0], launch_row[burst >= 0], burst[burst >= 0]
    step = steps.burst_step[burst] if len(burst) else np.empty(0, np.int64)
    start, end = events.start_ns[row], events.end_ns[row]
    direction = np.array([_direction(name) for name in events.names], np.int8)
    way = direction[events.name_id[row]]
    details = events.stat("memcpy_details").at(row)
    told = details >= 0
    way[told] = np.maximum(way[told], direction[details[told]])
    pending = StepIntervals(step, np.minimum(host.start_ns[launch_row], start), start)
    return StepIntervals(step, start, end), way == 1, way == 2, pending


def _direction(text: str) -> int:
    """1 for a copy to the device, 2 for one back, 0 for anything else.

    Names and details as cupti_collector.cc and rocm_collector.cc write them.
    """
    folded = text.lower()
    if "memcpyh2d" in folded or "htod" in folded or "hosttodevice" in folded:
        return 1
    if "memcpyd2h" in folded or "dtoh" in folded or "devicetohost" in folded:
        return 2
    return 0


def _concat(parts: list[StepIntervals]) -> StepIntervals:
    return StepIntervals(
        np.concatenate([p.step for p in parts]),
        np.concatenate([p.start_ns for p in parts]),
        np.concatenate([p.end_ns for p in parts]),
    )
