"""Work on GPUs: when each was busy, with what, and for which steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_kinds import KERNEL, MEMSET
from diag.analysis.execution.device_launches import Launches, find_launches
from diag.analysis.execution.device_lines import (
    host_overhead_rows,
    overhead_rows,
    stream_rows,
)
from diag.analysis.execution.device_links import DeviceEvents, link
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.sets import merge, union
from diag.errors import InputError
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s, Plane
from diag.model.intervals import NEVER_NS, IntervalSet

# Each GPU is compared with every other one; no server has as many.
GPUS_MAX = 256


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    """One GPU plane.

    Attributes:
        plane: Its plane.
        events: Its work.
        busy: When any stream had work.
        overhead: The tracer's own records: those on this plane, and those on host threads, which
            do not name a device.
        first_ns: (steps,) begin of a step's first work here, ``NEVER_NS`` if it has none.
        last_ns: (steps,) end of its last work here, -1 if it has none.
        end_ns: End of the last work on it, -1 if it has none.
    """

    plane: Plane
    events: DeviceEvents
    busy: IntervalSet
    overhead: IntervalSet
    first_ns: Int64s
    last_ns: Int64s
    end_ns: int

    @property
    def name(self) -> str:
        """Name of the plane, ``/device:GPU:0``."""
        return self.plane.name

    # Not stored, as they are rarely needed and may hold millions of intervals.

    @property
    def kernels(self) -> IntervalSet:
        """When any kernel ran."""
        return self.events.during(self.events.kind == KERNEL)

    @property
    def copies(self) -> IntervalSet:
        """When any copy ran, those within the device included."""
        kind = self.events.kind
        return self.events.during((kind != KERNEL) & (kind != MEMSET))

    @property
    def memsets(self) -> IntervalSet:
        """When any memset ran."""
        return self.events.during(self.events.kind == MEMSET)


@dataclass(frozen=True, slots=True, eq=False)
class DeviceWork:
    """Device time by root step.

    Attributes:
        devices: Every GPU plane, in plane order, those without work too; none where no GPU plane
            holds any work.
        silent: Names of the GPU planes, if none of them holds any work.
        launches: Host events with a correlation id.
        first_ns: (steps,) begin of the first device event; of a step without any, ``NEVER_NS``.
        last_ns: (steps,) end of its last device event, -1 if none.
        computing: (steps,) whether it ran a kernel; other steps computed on the host.
    """

    devices: tuple[Device, ...]
    silent: tuple[str, ...]
    launches: Launches
    first_ns: Int64s
    last_ns: Int64s
    computing: Bools

    @property
    def used(self) -> Bools:
        """(steps,) whether the step had any device work."""
        return np.asarray(self.first_ns < self.last_ns, np.bool_)


def find_device_work(planes: tuple[Plane, ...], host: EventTable, steps: Steps) -> DeviceWork:
    """Read all GPU planes and link their events to steps by correlation id.

    Raises:
        InputError: There are more GPU planes than a server has.
    """
    gpus = [plane for plane in planes if plane.name.startswith(ev.GPU_PLANE_PREFIX)]
    if len(gpus) > GPUS_MAX:
        raise InputError(
            f"the trace has {len(gpus):,} GPU planes, {GPUS_MAX} can be analysed",
            hint="no server has as many: the trace is damaged, or not one server's",
        )
    if not gpus:
        return no_device_work(len(steps))
    lines = next((plane.lines for plane in planes if plane.events is host), ())
    launches = find_launches(host, lines, steps)
    delayed = host_overhead_rows(host)
    on_host = union(host.start_ns[delayed], host.end_ns[delayed])
    devices = tuple(_device(plane, host, launches, steps, on_host) for plane in gpus)
    if not any(len(device.events) for device in devices):
        return no_device_work(len(steps), tuple(plane.name for plane in gpus), launches)
    return DeviceWork(
        devices=devices,
        silent=(),
        launches=launches,
        first_ns=np.minimum.reduce([device.first_ns for device in devices]),
        last_ns=np.maximum.reduce([device.last_ns for device in devices]),
        computing=_computing(devices, len(steps)),
    )


def no_device_work(
    steps: int, silent: tuple[str, ...] = (), launches: Launches | None = None
) -> DeviceWork:
    """The result without GPU planes, or with GPU planes that hold no work."""
    none = np.empty(0, np.int32)
    return DeviceWork(
        devices=(),
        silent=silent,
        launches=launches or Launches(none, none, none),
        first_ns=np.full(steps, NEVER_NS),
        last_ns=np.full(steps, -1, np.int64),
        computing=np.zeros(steps, np.bool_),
    )


def _computing(devices: tuple[Device, ...], steps: int) -> Bools:
    computing = np.zeros(steps, np.bool_)
    for each in devices:
        work = each.events
        computing[work.step[(work.kind == KERNEL) & (work.step >= 0)]] = True
    return computing


def _device(
    plane: Plane, host: EventTable, launches: Launches, steps: Steps, on_host: IntervalSet
) -> Device:
    streams = stream_rows(plane)
    work, is_work = link(plane, streams, host, launches, steps)
    own = overhead_rows(plane, is_work, streams)
    first, last = np.full(len(steps), NEVER_NS), np.full(len(steps), -1, np.int64)
    mine = work.step >= 0
    np.minimum.at(first, work.step[mine], work.start_ns[mine])
    np.maximum.at(last, work.step[mine], work.end_ns[mine])
    return Device(
        plane=plane,
        events=work,
        busy=_busy(work),
        overhead=merge(union(plane.events.start_ns[own], plane.events.end_ns[own]), on_host),
        first_ns=first,
        last_ns=last,
        end_ns=int(work.end_ns.max(initial=-1)),
    )


def _busy(work: DeviceEvents) -> IntervalSet:
    # By kind, since events of one kind are mostly sorted already.
    kernels, memsets = work.kind == KERNEL, work.kind == MEMSET
    return merge(*(work.during(keep) for keep in (kernels, ~kernels & ~memsets, memsets)))
