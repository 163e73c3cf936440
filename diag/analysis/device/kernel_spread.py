"""How much the time of one kernel differs between runs of the same size.

Events are alike if they have the kernel's name, the op that launched it, the details of the launch
(grid and block are in ``kernel_details``) and the rows of their run in common.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.device.kernels import Ops
from diag.analysis.device.runs import Runs
from diag.analysis.execution.device_kinds import KERNEL, stat_at
from diag.analysis.execution.device_work import Device
from diag.analysis.execution.execution import Execution
from diag.analysis.thresholds import MIN_SAMPLES_P90, OVERLAP_MAX_RATIO, SPREAD_MIN_NS
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.device import KernelSpread
from diag.model.events import Int64s

LIMIT = 20
# Groups that are looked at: no server has as many kernels that matter.
GROUPS_MAX = 1_000
_NO_OP = Unavailable("neither the kernels nor their launches name an op")


def spread_kernels(execution: Execution, runs: Runs) -> tuple[KernelSpread, ...]:
    """The ``LIMIT`` kernels with most time beyond their p10, by that time."""
    devices = execution.device.devices
    ops = Ops(execution.events, devices[0].plane.events.names, execution.op_class)
    found = [one for each in devices for one in _of_device(each, ops, runs)]
    return tuple(sorted(found, key=lambda each: (-each.over_ns_per_request, each.name))[:LIMIT])


def _of_device(device: Device, ops: Ops, runs: Runs) -> list[KernelSpread]:
    work, events = device.events, device.plane.events
    run = np.append(runs.of_step, -1)[work.step]
    chosen = np.flatnonzero((work.kind == KERNEL) & (run >= 0))
    if not len(chosen):
        return []
    row, run = work.row[chosen], run[chosen]
    length = work.end_ns[chosen] - work.start_ns[chosen]
    weight = runs.weight
    requests = max(1, int(weight.sum()))
    op = ops.of(device)[chosen]
    details = stat_at(events, ev.STAT_KERNEL_DETAILS, row)
    name, rows = events.name_id[row], runs.rows[run]
    order = np.lexsort((rows, details, op, name))
    same = np.ones(len(order) - 1, np.bool_)
    for column in (name, op, details, rows):
        same &= column[order][1:] == column[order][:-1]
    out = []
    is_concurrent = _overlaps(device)
    for start, end in _largest(np.flatnonzero(np.append(True, ~same)), length[order]):
        group = order[start:end]
        times = length[group]
        p10, p50, p90 = (
            int(value) for value in np.percentile(times, (10, 50, 90), method="inverted_cdf")
        )
        if p10 < SPREAD_MIN_NS:
            continue
        first = int(group[0])
        over = np.maximum(times - p10, 0) * weight[run[group]]
        out.append(
            KernelSpread(
                name=events.names[name[first]],
                op=ops.label(int(op[first])) if op[first] >= 0 else _NO_OP,
                rows=int(rows[first]),
                count=len(group),
                p10_ns=p10,
                p50_ns=p50,
                p90_ns=p90,
                over_ns_per_request=float(over.sum() / requests),
                is_concurrent=is_concurrent,
            )
        )
    return out


def _largest(start: Int64s, length: Int64s) -> list[tuple[int, int]]:
    """Begin and end of the groups with most time, of those with enough events.

    Args:
        start: Position of the first event of each group.
        length: (n,) duration of each event, in the same order.
    """
    end = np.append(start[1:], len(length))
    total = np.add.reduceat(length, start)
    enough = np.flatnonzero(end - start >= MIN_SAMPLES_P90)
    most = enough[np.argsort(-total[enough], kind="stable")[:GROUPS_MAX]]
    return list(zip(start[most].tolist(), end[most].tolist(), strict=True))


def _overlaps(device: Device) -> bool:
    """Whether kernels of the device run at the same time as others."""
    work = device.events
    kernel = work.kind == KERNEL
    total = int((work.end_ns[kernel] - work.start_ns[kernel]).sum())
    return total - device.kernels.total_ns > OVERLAP_MAX_RATIO * total
