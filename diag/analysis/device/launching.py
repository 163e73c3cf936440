"""Time in which a step's device was idle because the host was still launching its work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.op_class import OpClass
from diag.analysis.execution.step_stages import StepStages
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.nesting import first_inside, innermost
from diag.analysis.intervals.sets import Lanes, covered_between, touching
from diag.analysis.intervals.sweep import slices
from diag.model.events import EventTable, Int64s
from diag.model.serving import Stage


def launching_ns(
    host: EventTable,
    op_class: NDArray[np.int8],
    device: DeviceWork,
    steps: Steps,
    staged: StepStages,
) -> Int64s:
    """(steps,) time in stage ``launch`` between the step's first and last device work, ns.

    Time of ops that launched nothing does not count: they ran on the CPU in the middle of the step,
    and the device waited for their results, not for launches.
    """
    pieces, parts = staged.pieces, staged.parts
    lanes = Lanes.over(steps.start_ns, np.maximum(steps.start_ns, steps.end_ns))
    held = lanes.lay(
        *_spans(host, *cpu_ops(host, op_class, device, steps)),
        steps.start_ns,
        np.maximum(steps.start_ns, steps.end_ns),
    )
    out = np.zeros(len(steps), np.int64)
    for some in slices(len(pieces.owner)):
        gap = pieces.code[some] == Stage.LAUNCH.index
        step = parts.step[pieces.owner[some][gap]]
        if not len(step):
            continue
        first, last = device.first_ns[step], device.last_ns[step]
        start = np.maximum(pieces.start_ns[some][gap], first)
        end = np.maximum(start, np.minimum(pieces.end_ns[some][gap], last))
        if not len(step):
            continue
        start, end = lanes.place(step, start), lanes.place(step, end)
        # Pieces are in order, so that a few of the ops' intervals are near.
        near = touching(held, int(start[0]), int(end[-1]))
        np.add.at(out, step, end - start - covered_between(near, start, end))
    return out


def _spans(host: EventTable, step: Int64s, row: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Step, start and end of events."""
    return step, host.start_ns[row], host.end_ns[row]


def cpu_ops(
    host: EventTable, op_class: NDArray[np.int8], device: DeviceWork, steps: Steps
) -> tuple[Int64s, Int64s]:
    """Step and row of op events that launched nothing, in steps with device work."""
    kind = op_class[host.name_id]
    row = np.flatnonzero((kind != OpClass.NOT_AN_OP) & (kind != OpClass.CALL))
    launched = first_inside(innermost(host, row, device.launches.row), len(row)) >= 0
    row = row[~launched]
    burst = innermost(host, steps.burst_row, row)
    step = np.where(burst >= 0, steps.burst_step[burst], -1) if len(steps.burst_row) else burst
    mine = step >= 0
    mine[mine] = device.used[step[mine]]
    return step[mine], row[mine]
