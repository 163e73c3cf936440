"""Work on GPUs: which events are real, what kind they are, and whose step they belong to.

Only stream lines count: a device plane may also hold lines derived from them ("TensorFlow Ops",
"Steps", "XLA Modules"), and counting those would double the time (xplane_schema.h, TensorFlow
2.21). A device event belongs to the step whose executor burst holds the host event with the same
``correlation_id``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.columns.intervals import Set, union
from diag.analysis.columns.tiling import Layer
from diag.analysis.execution.device_links import FROM_DEVICE, TO_DEVICE, Linked, link
from diag.analysis.execution.parts import Spread, StepIntervals
from diag.analysis.execution.steps import Steps
from diag.model.events import EventTable, Int64s, Plane
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
    found: list[Linked] = []
    for plane in planes:
        if not plane.name.startswith(GPU_PLANE_PREFIX):
            continue
        row = stream_rows(plane)
        if not len(row):
            continue
        devices.append(
            Device(plane.name, union(plane.events.start_ns[row], plane.events.end_ns[row]))
        )
        found.append(link(plane.events, row, host, steps))
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
        copies_in=events.where(way == TO_DEVICE),
        copies_out=events.where(way == FROM_DEVICE),
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


def _concat(parts: list[StepIntervals]) -> StepIntervals:
    return StepIntervals(
        np.concatenate([p.step for p in parts]),
        np.concatenate([p.start_ns for p in parts]),
        np.concatenate([p.end_ns for p in parts]),
    )
