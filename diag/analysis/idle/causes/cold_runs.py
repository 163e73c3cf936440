"""First runs that tune algorithms or load code inside an op: a cold start without an event.

Libraries choose algorithms, and drivers load modules, inside the first run of an op, whose event
only lasts longer. Such a run is found by comparison: later runs of the same queue or model take a
fraction of its time.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.device_work import Device
from diag.analysis.execution.op_class import OpClass
from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.device_use import DeviceUse
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import EMPTY, clip, merge, subtract, union
from diag.analysis.thresholds import COLD_RUN_MIN_NS, COLD_RUN_RATIO, WARM_RUNS_MIN
from diag.model.events import Int64s
from diag.model.gaps import IdleCause
from diag.model.intervals import IntervalSet


def cold_run_cause(
    inputs: IdleInputs, use: DeviceUse, device: Device
) -> tuple[CauseIntervals, IntervalSet]:
    """Find such runs on one device.

    Args:
        inputs: Everything known.
        use: What concerns the device.
        device: The device.

    Returns:
        The time that cold runs spent in ops other than preprocessing; and the same time of slow
        first runs with too few later runs to compare with.
    """
    steps = inputs.requests.linked.steps
    group = np.where(use.touching & ~inputs.execution.calls.loading, _groups(inputs), -1)
    lead_ns = np.where(group >= 0, device.first_ns - steps.start_ns, 0)
    order = np.lexsort((steps.start_ns, group))
    order = order[group[order] >= 0]
    begins = np.flatnonzero(np.diff(group[order], prepend=-1))
    ends = np.append(begins[1:], len(order))
    first = order[begins]
    slow = np.flatnonzero(~steps.is_orphan[first] & (lead_ns[first] >= COLD_RUN_MIN_NS))
    if not len(slow):
        return CauseIntervals(IdleCause.COLD_START, EMPTY), EMPTY
    row, of_step = _ops(inputs, first[slow])
    early = inputs.execution.op_class[inputs.execution.events.name_id[row]] == OpClass.PREPROCESS
    cold, doubtful = [EMPTY], [EMPTY]
    for index in slow.tolist():
        step, later = int(first[index]), order[begins[index] + 1 : ends[index]]
        low, high = np.searchsorted(of_step, [step, step + 1]).tolist()
        mine, is_early = row[low:high], early[low:high]
        others, preprocessing = (_open(inputs, mine[keep]) for keep in (~is_early, is_early))
        since, until = int(steps.start_ns[step]), int(device.first_ns[step])
        tuned = clip(subtract(others, preprocessing), since, until)
        if tuned.total_ns < COLD_RUN_MIN_NS:
            continue
        if len(later) < WARM_RUNS_MIN:
            doubtful.append(tuned)
        elif tuned.total_ns >= COLD_RUN_RATIO * float(np.median(lead_ns[later])):
            cold.append(tuned)
    shows = EvidenceEvents.of(inputs.execution.events, row[~early])
    return CauseIntervals(IdleCause.COLD_START, merge(*cold), EMPTY, (shows,)), merge(*doubtful)


def _groups(inputs: IdleInputs) -> Int64s:
    """(steps,) group of runs to compare: the queue of its batch, else the model of its request.

    -1 where a step has neither. Requests without a model name are one group.
    """
    linked, sources = inputs.requests.linked, inputs.requests.sources
    group = np.full(len(linked.steps), -1, np.int64)
    direct = np.flatnonzero(sources.step >= 0)
    queues = len(linked.queues.keys.label)
    group[sources.step[direct]] = queues + inputs.requests.table.model_index[direct]
    batches = linked.batches
    group[batches.run_step] = linked.queues.keys.of_batch[batches.run_batch]
    return group


def _ops(inputs: IdleInputs, chosen: Int64s) -> tuple[Int64s, Int64s]:
    """Rows of the ops of these steps, and the step of each, sorted by step."""
    events, steps = inputs.execution.events, inputs.requests.linked.steps
    is_op = np.isin(inputs.execution.op_class, (OpClass.MODEL, OpClass.PREPROCESS, OpClass.GLUE))
    row = np.flatnonzero(is_op[events.name_id])
    mine = np.flatnonzero(np.isin(steps.burst_step, chosen))
    burst = innermost(events, steps.burst_row[mine], row)
    row, step = row[burst >= 0], steps.burst_step[mine[burst[burst >= 0]]]
    order = np.argsort(step, kind="stable")
    return row[order], step[order]


def _open(inputs: IdleInputs, row: Int64s) -> IntervalSet:
    events = inputs.execution.events
    return union(events.start_ns[row], events.end_ns[row])
