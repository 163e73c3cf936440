"""Time that runs spend away from the device: copies back and forth, and ops on the CPU between.

A copy from the device and the next one to it in the same run are a round trip: what is copied back
depends on what was computed on the host meanwhile, or at least comes after it. Inputs at the begin
of a run and outputs at its end make none.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.device.launching import cpu_ops
from diag.analysis.device.runs import Runs
from diag.analysis.execution.device_kinds import COPY_IN, COPY_OUT
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.driver_time import find_driver_time
from diag.analysis.execution.execution import Execution
from diag.analysis.execution.parts import StepIntervals
from diag.analysis.intervals.sets import Lanes, covered_between, merge, subtract
from diag.analysis.thresholds import CPU_OP_MIN_NS
from diag.model.device import CpuOp, Detours
from diag.model.events import Int64s
from diag.model.intervals import IntervalSet

OPS_MAX = 5


def find_detours(execution: Execution, runs: Runs) -> Detours:
    """Sum over the runs with device work; a request waits for the whole of its batch."""
    device = execution.device
    used = device.used & (runs.of_step >= 0)
    low = np.where(used, device.first_ns, 0)
    high = np.where(used, device.last_ns, 0)
    lanes = Lanes.over(low, high)

    def lay(of: StepIntervals) -> IntervalSet:
        mine = of.where(used[of.step])
        return lanes.lay(mine.step, mine.start_ns, mine.end_ns, low, high)

    step, row = _long_ops(execution)
    host = execution.events
    on_cpu = lay(StepIntervals(step, host.start_ns[row], host.end_ns[row]))
    # Allocating, loading and compiling are causes of their own.
    driver = find_driver_time(host, execution.calls, device).preparing
    trips = _round_trips(device)
    computing = lay(StepIntervals.concat([_work(device, copies=False), driver]))
    working = merge(computing, lay(_work(device, copies=True)))
    in_ops = subtract(on_cpu, working)
    away = subtract(merge(on_cpu, lay(trips)), computing)
    weight, n = runs.weight, len(runs)
    requests = max(1, int(weight.sum()))
    of_run = np.append(runs.of_step, -1)
    # The tracer's own work stops whatever op it falls into.
    overhead = merge(*(each.overhead for each in device.devices))

    def spent(time: IntervalSet) -> float:
        """Time of each step times the requests that wait for it, ns."""
        if not len(time):
            return 0.0
        begin = lanes.time(time.start_ns)
        end = begin + time.end_ns - time.start_ns
        own = end - begin - covered_between(overhead, begin, end)
        return float((own * weight[runs.of_step[lanes.owner(time.start_ns)]]).sum())

    return Detours(
        runs=n,
        round_trips=float(np.count_nonzero(of_run[trips.step] >= 0) / max(1, n)),
        away_ns=spent(away) / requests,
        cpu_ns=spent(in_ops) / requests,
        ops=_rank(execution, step[used[step]], row[used[step]], low, high),
    )


def _long_ops(execution: Execution) -> tuple[Int64s, Int64s]:
    """Step and row of ops on the CPU that take longer than a launch."""
    host = execution.events
    step, row = cpu_ops(host, execution.op_class, execution.device, execution.steps)
    is_long = host.end_ns[row] - host.start_ns[row] >= CPU_OP_MIN_NS
    return step[is_long], row[is_long]


def _work(device: DeviceWork, *, copies: bool) -> StepIntervals:
    """Copies to and from devices, or all other work, of steps."""
    return StepIntervals.concat(
        [each.events.of_steps(each.events.is_compute != copies) for each in device.devices]
    )


def _round_trips(device: DeviceWork) -> StepIntervals:
    """From the begin of a copy out to the end of the copy in that follows it in the same step."""
    parts = []
    for each in device.devices:
        work = each.events
        copies = np.flatnonzero(
            ((work.kind == COPY_IN) | (work.kind == COPY_OUT)) & (work.step >= 0)
        )
        order = copies[np.lexsort((work.start_ns[copies], work.step[copies]))]
        before, after = order[:-1], order[1:]
        is_trip = (
            (work.step[before] == work.step[after])
            & (work.kind[before] == COPY_OUT)
            & (work.kind[after] == COPY_IN)
        )
        before, after = before[is_trip], after[is_trip]
        parts.append(StepIntervals(work.step[before], work.start_ns[before], work.end_ns[after]))
    return StepIntervals.concat(parts)


def _rank(
    execution: Execution, step: Int64s, row: Int64s, low: Int64s, high: Int64s
) -> tuple[CpuOp, ...]:
    """Ops between the first and the last device work of their steps, by time."""
    host = execution.events
    inside = np.minimum(host.end_ns[row], high[step]) - np.maximum(host.start_ns[row], low[step])
    row, inside = row[inside > 0], inside[inside > 0]
    name = host.name_id[row]
    count = np.bincount(name, minlength=1)
    total = np.bincount(name, weights=inside, minlength=1)
    found = [
        CpuOp(host.names[i], int(count[i]), int(total[i])) for i in np.flatnonzero(count).tolist()
    ]
    return tuple(sorted(found, key=lambda op: (-op.total_ns, op.name))[:OPS_MAX])
