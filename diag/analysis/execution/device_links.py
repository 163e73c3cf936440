"""The events of one GPU plane: what each is, what launched it, and what it then waited behind."""

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

# Pairs of a launch and a kernel it waited behind; 24 bytes each. A server has thousands.
WAITS_MAX = 20_000_000


@dataclass(frozen=True, slots=True, eq=False)
class DeviceEvents:
    """Work on the streams of one GPU plane: kernels, copies and memsets, nothing else.

    Attributes:
        row: (n,) int32, ascending row of the plane's events.
        start_ns: (n,).
        end_ns: (n,) half-open.
        kind: (n,) int8, index into ``WORK_KINDS``.
        size_bytes: (n,) copied, of any width; -1 where not told, or no copy.
        launch: (n,) int32, row of the host plane's event that launched it, -1 if none was recorded.
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
        """Kernels, memsets and copies within the device: what stage ``compute`` is made of."""
        return np.asarray((self.kind != COPY_IN) & (self.kind != COPY_OUT), np.bool_)

    def during(self, keep: Bools) -> IntervalSet:
        """When any of those for which ``keep`` holds ran."""
        return union(self.start_ns[keep], self.end_ns[keep])

    def of_steps(self, keep: Bools) -> StepIntervals:
        """Those for which ``keep`` holds and that belong to a step."""
        mine = keep & (self.step >= 0)
        return StepIntervals(self.step[mine], self.start_ns[mine], self.end_ns[mine])


def link(
    plane: Plane, streams: StreamRows, host: EventTable, launches: Launches, steps: Steps
) -> tuple[DeviceEvents, NDArray[np.bool_]]:
    """The plane's work, and which of ``streams`` it is.

    Args:
        plane: A GPU plane.
        streams: Its rows that may be work.
        host: Of the host plane, which holds the launches.
        launches: All of them.
        steps: Theirs.
    """
    events, row = plane.events, streams.row
    kind = judge_kinds(events, row, streams.is_stream)
    is_work = kind != NOT_WORK
    row, kind = row[is_work].astype(np.int32), kind[is_work]
    start, end = events.start_ns, events.end_ns
    if len(row) < len(events):  # else its rows are all there are, and the columns serve as they are
        start, end = start[row], end[row]
    wanted = stat_at(events, ev.STAT_CORRELATION_ID, row)
    position = match_launches(launches, host, steps, wanted, start)
    del wanted
    # The index -1 finds what is appended.
    launch = np.append(launches.row, np.int32(-1))[position]
    step = np.append(launches.step, np.int32(-1))[position]
    del position
    kind = judge_by_launch(kind, launch, host)
    size = copied_bytes(events, row, kind, launch, host)
    return DeviceEvents(row, start, end, kind, size, launch, step), is_work


def waits_behind(work: DeviceEvents, host: EventTable, steps: Steps) -> StepIntervals:
    """Launched time of each step's kernels during which the device ran kernels of anyone.

    Own kernels take precedence as a layer above.

    Raises:
        InputError: So many launches wait behind so many kernels that it would not fit in memory.
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
    del begin, stop, start, end, kernels  # which the parts, doubled for a moment, take the place of
    return StepIntervals.concat(parts)
