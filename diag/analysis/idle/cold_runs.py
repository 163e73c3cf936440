"""First runs that tune or load within an op: a cold start for which no event has a name.

Libraries try algorithms out, and drivers load modules, inside the first run of an op, whose event
only lasts longer. What tells is that later runs of the same queue or model take a fraction of it.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.columns.intervals import EMPTY, Set, clip, merge, subtract, total_ns, union
from diag.analysis.columns.nesting import innermost
from diag.analysis.execution.device_work import Device
from diag.analysis.execution.op_class import OpClass
from diag.analysis.idle.claims import Claim
from diag.analysis.idle.device_use import DeviceUse
from diag.analysis.idle.evidence import Witnesses
from diag.analysis.idle.scene import Scene
from diag.analysis.thresholds import COLD_RUN_MIN_NS, COLD_RUN_RATIO, WARM_RUNS_MIN
from diag.model.events import Int64s
from diag.model.gaps import IdleCause


def cold_run_claim(scene: Scene, use: DeviceUse, device: Device) -> tuple[Claim, Set]:
    """While such a run was in ops other than preprocessing; and when too few tell whether it was.

    Args:
        scene: Everything known.
        use: What concerns the device.
        device: The device.
    """
    steps = scene.ledger.steps
    group = np.where(use.touching & ~scene.calls.loading, _groups(scene), -1)
    lead_ns = np.where(group >= 0, device.first_ns - steps.start_ns, 0)
    order = np.lexsort((steps.start_ns, group))
    order = order[group[order] >= 0]
    begins = np.flatnonzero(np.diff(group[order], prepend=-1))
    ends = np.append(begins[1:], len(order))
    first = order[begins]
    slow = np.flatnonzero(~steps.is_orphan[first] & (lead_ns[first] >= COLD_RUN_MIN_NS))
    if not len(slow):
        return Claim(IdleCause.COLD_START, EMPTY), EMPTY
    row, of_step = _ops(scene, first[slow])
    early = scene.op_class[scene.host.events.name_id[row]] == OpClass.PREPROCESS
    cold, doubtful = [EMPTY], [EMPTY]
    for index in slow.tolist():
        step, later = int(first[index]), order[begins[index] + 1 : ends[index]]
        low, high = np.searchsorted(of_step, [step, step + 1]).tolist()
        mine, is_early = row[low:high], early[low:high]
        others, preprocessing = (_open(scene, mine[keep]) for keep in (~is_early, is_early))
        since, until = int(steps.start_ns[step]), int(device.first_ns[step])
        tuned = clip(subtract(others, preprocessing), since, until)
        if total_ns(tuned) < COLD_RUN_MIN_NS:
            continue
        if len(later) < WARM_RUNS_MIN:
            doubtful.append(tuned)
        elif total_ns(tuned) >= COLD_RUN_RATIO * float(np.median(lead_ns[later])):
            cold.append(tuned)
    shows = Witnesses.of(scene.host.events, row[~early])
    return Claim(IdleCause.COLD_START, merge(*cold), EMPTY, (shows,)), merge(*doubtful)


def _groups(scene: Scene) -> Int64s:
    """(steps,) the queue whose batches a step runs, else the model of its request; -1 if neither.

    Requests whose model no event names are of one.
    """
    ledger, origins = scene.ledger, scene.origins
    group = np.full(len(ledger.steps), -1, np.int64)
    direct = np.flatnonzero(origins.step >= 0)
    queues = len(ledger.queues.keys.label)
    group[origins.step[direct]] = queues + scene.requests.model_index[direct]
    batches = ledger.batches
    group[batches.run_step] = ledger.queues.keys.of_batch[batches.run_batch]
    return group


def _ops(scene: Scene, chosen: Int64s) -> tuple[Int64s, Int64s]:
    """Rows of the ops of these steps, and the step of each, in order of step."""
    events, steps = scene.host.events, scene.ledger.steps
    is_op = np.isin(scene.op_class, (OpClass.MODEL, OpClass.PREPROCESS, OpClass.GLUE))
    row = np.flatnonzero(is_op[events.name_id])
    mine = np.flatnonzero(np.isin(steps.burst_step, chosen))
    burst = innermost(events, steps.burst_row[mine], row)
    row, step = row[burst >= 0], steps.burst_step[mine[burst[burst >= 0]]]
    order = np.argsort(step, kind="stable")
    return row[order], step[order]


def _open(scene: Scene, row: Int64s) -> Set:
    events = scene.host.events
    return union(events.start_ns[row], events.end_ns[row])
