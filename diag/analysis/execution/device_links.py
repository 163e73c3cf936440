"""The events of one GPU plane: what each is, what launched it, and what it then waited behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.columns.intervals import Lanes, Set, union
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
from diag.errors import InputError
from diag.formats import event_names as ev
from diag.model.events import Bools, EventTable, Int64s, Plane

# Pairs of a launch and a kernel it waited behind; 24 bytes each. A server has thousands.
WAITS_MAX = 20_000_000


@dataclass(frozen=True, slots=True)
class DeviceEvents:
    """Work on the streams of one GPU plane: kernels, copies and memsets, nothing else.

    Attributes:
        row: (n,) ascending row of the plane's events.
        start_ns: (n,).
        end_ns: (n,) half-open.
        kind: (n,) int8, index into ``WORK_KINDS``.
        size_bytes: (n,) copied; -1 where not told, or no copy.
        launch: (n,) row of the host plane's event that launched it, -1 if none was recorded.
        step: (n,) root step it belongs to, -1 if none.
    """

    row: Int64s
    start_ns: Int64s
    end_ns: Int64s
    kind: Kinds
    size_bytes: Int64s
    launch: Int64s
    step: Int64s

    def __len__(self) -> int:
        return len(self.row)

    @property
    def is_compute(self) -> Bools:
        """Kernels, memsets and copies within the device: what stage ``compute`` is made of."""
        return np.asarray((self.kind != COPY_IN) & (self.kind != COPY_OUT), np.bool_)

    def of_steps(self, keep: Bools) -> StepIntervals:
        """Those for which ``keep`` holds and that belong to a step."""
        mine = keep & (self.step >= 0)
        return StepIntervals(self.step[mine], self.start_ns[mine], self.end_ns[mine])


def link(
    plane: Plane, streams: StreamRows, host: EventTable, launches: Launches
) -> tuple[DeviceEvents, NDArray[np.bool_]]:
    """The plane's work, and which of ``streams`` it is.

    Args:
        plane: A GPU plane.
        streams: Its rows that may be work.
        host: Of the host plane, which holds the launches.
        launches: All of them.
    """
    events, row = plane.events, streams.row
    kind = judge_kinds(events, row, streams.is_stream)
    is_work = kind != NOT_WORK
    row, kind = row[is_work], kind[is_work]
    start = events.start_ns[row]
    wanted = stat_at(events, ev.STAT_CORRELATION_ID, row)
    position = match_launches(launches, host, wanted, start)
    seen = position >= 0
    launch = np.full(len(row), -1, np.int64)
    step = launch.copy()
    launch[seen] = launches.row[position[seen]]
    step[seen] = launches.step[position[seen]]
    kind = judge_by_launch(kind, launch, host)
    size = copied_bytes(events, row, kind, launch, host)
    return DeviceEvents(row, start, events.end_ns[row], kind, size, launch, step), is_work


def waits_behind(work: DeviceEvents, host: EventTable, steps: Steps) -> StepIntervals:
    """Launched time of each step's kernels during which the device ran kernels of anyone.

    Own kernels take precedence as a layer above.

    Raises:
        InputError: So many launches wait behind so many kernels that it would not fit in memory.
    """
    compute = work.is_compute
    mine = np.flatnonzero(compute & (work.step >= 0))
    begun = work.start_ns[mine]
    launched = np.minimum(host.start_ns[work.launch[mine]], begun)
    pending = StepIntervals(work.step[mine], launched, begun)
    return _behind(pending, union(work.start_ns[compute], work.end_ns[compute]), steps)


def _behind(pending: StepIntervals, kernels: Set, steps: Steps) -> StepIntervals:
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
