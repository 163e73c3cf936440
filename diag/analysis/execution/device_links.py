"""The events of one GPU plane: their kind, their launch, and the kernels they waited behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.device_kinds import (
    COPY_IN,
    COPY_OUT,
    NOT_WORK,
    Kinds,
    copied_bytes,
    judge_by_launch,
    judge_kinds,
    stat_at,
)
from diag.analysis.execution.device_launches import Launches, match_launches
from diag.analysis.execution.device_lines import StreamRows
from diag.analysis.execution.parts import StepIntervals
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.sets import Lanes, union
from diag.analysis.intervals.sweep import slices
from diag.errors import InputError
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int32s, Int64s, Ints, Plane
from diag.model.intervals import IntervalSet

# Limit of pairs of a launch and a kernel it waited behind, 24 bytes each. A server has thousands.
WAITS_MAX = 20_000_000


@dataclass(frozen=True, slots=True, eq=False)
class DeviceEvents:
    """Work on the streams of one GPU plane: kernels, copies and memsets only.

    Attributes:
        row: (n,) int32, ascending row of the plane's events.
        start_ns: (n,) begin.
        end_ns: (n,) half-open end.
        kind: (n,) int8, index into ``WORK_KINDS``.
        size_bytes: (n,) bytes copied, of any integer width; -1 if unknown, or no copy.
        launch: (n,) int32, row of the host event that launched it, -1 if none was recorded.
        step: (n,) int32, root step it belongs to, -1 if none.
    """

    row: Int32s
    start_ns: Int64s
    end_ns: Int64s
    kind: Kinds
    size_bytes: Ints
    launch: Int32s
    step: Int32s

    def __len__(self) -> int:
        return len(self.row)

    @property
    def is_compute(self) -> Bools:
        """(n,) kernels, memsets and copies within the device, which are stage ``compute``."""
        return np.asarray((self.kind != COPY_IN) & (self.kind != COPY_OUT), np.bool_)

    def during(self, keep: Bools) -> IntervalSet:
        """When any event of the mask ``keep`` ran."""
        return union(self.start_ns[keep], self.end_ns[keep])

    def of_steps(self, keep: Bools) -> StepIntervals:
        """Events of the mask ``keep`` that belong to a step."""
        mine = keep & (self.step >= 0)
        return StepIntervals(self.step[mine], self.start_ns[mine], self.end_ns[mine])


def link(
    plane: Plane, streams: StreamRows, host: EventTable, launches: Launches, steps: Steps
) -> tuple[DeviceEvents, NDArray[np.bool_]]:
    """Find the plane's work, and the mask of ``streams`` that is work.

    Args:
        plane: A GPU plane.
        streams: Rows of the plane that may be work.
        host: Events of the host plane.
        launches: All launches.
        steps: All steps.
    """
    events, row = plane.events, streams.row
    kind = judge_kinds(events, row, streams.is_stream)
    is_work = kind != NOT_WORK
    row, kind = row[is_work].astype(np.int32), kind[is_work]
    start, end = events.start_ns, events.end_ns
    if len(row) < len(events):  # otherwise all rows are work, and the columns are not copied
        start, end = start[row], end[row]
    wanted = stat_at(events, ev.STAT_CORRELATION_ID, row)
    position = match_launches(launches, host, steps, wanted, start)
    del wanted
    # The position -1 finds the appended value.
    launch = np.append(launches.row, np.int32(-1))[position]
    step = np.append(launches.step, np.int32(-1))[position]
    del position
    kind = judge_by_launch(kind, launch, host)
    size = copied_bytes(events, row, kind, launch, host)
    return DeviceEvents(row, start, end, kind, size, launch, step), is_work


def waits_behind(work: DeviceEvents, host: EventTable, steps: Steps) -> StepIntervals:
    """Time from launch to begin of each step's kernels, while the device ran any kernels.

    Kernels of the step itself are a layer above this one.

    Raises:
        InputError: Too many launches wait behind too many kernels to fit in memory.
    """
    return _behind(_pending(work, host), work.during(work.is_compute), steps)


def _pending(work: DeviceEvents, host: EventTable) -> StepIntervals:
    """From launch to begin of each kernel."""
    mine = work.is_compute & (work.step >= 0)
    begun = work.start_ns[mine]
    return StepIntervals(
        work.step[mine], np.minimum(host.start_ns[work.launch[mine]], begun), begun
    )


def _behind(pending: StepIntervals, kernels: IntervalSet, steps: Steps) -> StepIntervals:
    lanes = Lanes.over(steps.start_ns, np.maximum(steps.start_ns, steps.end_ns))
    begin, stop = lanes.lay(
        pending.step, pending.start_ns, pending.end_ns, steps.start_ns, steps.end_ns
    ).edges
    del pending
    start, end = kernels.edges
    parts: list[StepIntervals] = []
    waits = 0
    for some in slices(len(begin)):
        step, begin_ns = lanes.owner(begin[some]), lanes.time(begin[some])
        stop_ns = begin_ns + stop[some] - begin[some]
        first = np.searchsorted(end, begin_ns, side="right")
        count = np.maximum(np.searchsorted(start, stop_ns, side="left") - first, 0)
        waits += int(count.sum())
        if waits > WAITS_MAX:
            raise InputError(
                f"{len(begin)} launches waited behind {len(start)} kernels: too many to analyse",
                hint="capture a shorter window",
            )
        source = np.repeat(np.arange(len(count)), count)
        index = first[source] + np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
        parts.append(
            StepIntervals(
                step[source].astype(np.int32),
                np.maximum(start[index], begin_ns[source]),
                np.minimum(end[index], stop_ns[source]),
            )
        )
    del begin, stop, start, end, kernels  # frees memory before the parts are copied into one
    return StepIntervals.concat(parts)
