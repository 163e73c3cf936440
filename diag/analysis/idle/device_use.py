"""Which steps, batches, queues and requests concern a device: only they can explain its idleness.

A step concerns a device if it has work there. A step that is known to have none there does not:
it has work on another device; or it was recorded whole between the device tracer's first and last
record, beside no device event whose step is unknown, called no driver, and has none anywhere; or it
lies beyond those records and runs the same graph as steps of which this is known. A step around
in-graph batchers takes part in what their batches do, a batch in what its runs do, a queued task in
what the other batches of its queue did. What is not known concerns every device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_work import Device, DeviceWork
from diag.analysis.execution.host_calls import HostCalls
from diag.analysis.execution.op_class import OpClass
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import covered_between, merge, union
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.analysis.requests.rows import RequestSources
from diag.model.events import Bools, Int64s, Ints
from diag.model.intervals import IntervalSet


@dataclass(frozen=True, slots=True, eq=False)
class DeviceUse:
    """What concerns one device, or the execution on the CPU, which everything concerns.

    Attributes:
        steps: (steps,) whether the root step concerns it.
        touching: (steps,) whether it had work of its own there.
        is_certain: (steps,) whether it concerns it for certain, not for want of knowledge.
        batches: (batches,) whether any run of the batch concerns it.
        queues: (queues,) whether any batch of the queue does.
        tasks: (tasks,) by their batch or queue.
        requests: (requests,) by their step or tasks.
    """

    steps: Bools
    touching: Bools
    is_certain: Bools
    batches: Bools
    queues: Bools
    tasks: Bools
    requests: Bools


def cpu_use(linked: LinkedSteps, sources: RequestSources) -> DeviceUse:
    """All of it concerns the execution on the CPU."""
    return _use_of_all(linked, sources, concerned=True)


def _use_of_all(linked: LinkedSteps, sources: RequestSources, *, concerned: bool) -> DeviceUse:
    return DeviceUse(
        steps=np.full(len(linked.steps), concerned),
        touching=np.zeros(len(linked.steps), np.bool_),
        is_certain=np.full(len(linked.steps), concerned),
        batches=np.full(len(linked.batches), concerned),
        queues=np.full(len(linked.queues.keys.label), concerned),
        tasks=np.full(len(linked.tasks), concerned),
        requests=np.full(len(sources.root), concerned),
    )


def device_uses(inputs: IdleInputs, calls: HostCalls) -> tuple[DeviceUse, ...]:
    """One for each GPU plane."""
    if not inputs.execution.device.devices:
        return ()
    known = _is_known(inputs, calls)
    return tuple(
        _device_use(device, known, inputs.requests.linked, inputs.requests.sources)
        for device in inputs.execution.device.devices
    )


def records_of(work: DeviceWork) -> tuple[int, int]:
    """Begin of the first and end of the last record of any device; reversed if there is none."""
    first = [int(device.events.start_ns.min()) for device in work.devices if len(device.events)]
    last = [device.end_ns for device in work.devices if len(device.events)]
    for device in work.devices:
        if len(device.overhead):
            first.append(int(device.overhead.start_ns[0]))
            last.append(int(device.overhead.end_ns[-1]))
    return min(first, default=0), max(last, default=-1)


def _is_known(inputs: IdleInputs, calls: HostCalls) -> Bools:
    """(steps,) whether the devices that the step used can be told."""
    work, steps = inputs.execution.device, inputs.requests.linked.steps
    if inputs.visibility.loss.dropped:
        return work.used
    unlinked = merge(*(_unlinked(device) for device in work.devices))
    whole = ~steps.is_orphan & steps.is_root & ~work.used
    whole &= covered_between(unlinked, steps.start_ns, steps.end_ns) == 0
    # A call to the driver without a device event: the event may be lost, or still to come.
    callers: list[Ints] = [work.launches.step, *(kind.step for kind in calls.of_the_driver)]
    for step in callers:
        whole[step[step >= 0]] = False
    whole &= ~calls.loading
    first, last = records_of(work)
    within = whole & (steps.start_ns >= first) & (steps.end_ns <= last)
    if (whole & ~within).any() and within.any():
        kind = _first_op(inputs)
        hosts = np.setdiff1d(kind[within & (kind >= 0)], kind[~within & work.used])
        within |= whole & np.isin(kind, hosts)
    return work.used | within


def _first_op(inputs: IdleInputs) -> Int64s:
    """(steps,) what tells the graphs of steps apart: the least name of their ops, -1 if none."""
    events, steps = inputs.execution.events, inputs.requests.linked.steps
    row = np.flatnonzero((inputs.execution.op_class != OpClass.NOT_AN_OP)[events.name_id])
    burst = innermost(events, steps.burst_row, row)
    row, burst = row[burst >= 0], burst[burst >= 0]
    first = np.full(len(steps), len(events.names), np.int64)
    np.minimum.at(first, steps.burst_step[burst], events.name_id[row].astype(np.int64))
    return np.where(first < len(events.names), first, -1)


def _unlinked(device: Device) -> IntervalSet:
    lost = device.events.step < 0
    return union(device.events.start_ns[lost], device.events.end_ns[lost])


def _device_use(
    device: Device, known: Bools, linked: LinkedSteps, sources: RequestSources
) -> DeviceUse:
    if not len(device.events):  # its tracer ran, as other devices show: nothing used it
        return _use_of_all(linked, sources, concerned=False)
    steps, batches, tasks, queues = (
        linked.steps,
        linked.batches,
        linked.tasks,
        linked.queues,
    )
    touching = np.asarray(device.first_ns < device.last_ns, np.bool_)
    concerned = touching | ~known

    of_batch = _any(batches.run_batch, concerned[batches.run_step], len(batches))
    batch_known = _any(batches.run_batch, known[batches.run_step], len(batches))
    keys = queues.keys
    told = np.flatnonzero(batch_known)
    of_queue = _any(keys.of_batch[told], of_batch[told], len(keys.label))
    queue_known = _any(keys.of_batch[told], batch_known[told], len(keys.label))
    of_queue |= ~queue_known
    of_batch = np.where(batch_known, of_batch, of_queue[keys.of_batch])

    of_task = of_queue[keys.of_task]
    in_batch = tasks.batch >= 0
    of_task[in_batch] = of_batch[tasks.batch[in_batch]]

    # A step around batchers concerns what its calls' batches concern; a call whose task is not
    # known says nothing, and the step counts.
    call = np.flatnonzero(linked.ops.is_batch & (linked.ops.step >= 0))
    called = linked.ops.step[call]
    calling = _any(called, np.ones(len(call), np.bool_), len(steps))
    holder = linked.task_owners.call
    in_call = np.flatnonzero(holder >= 0)
    op_has_task = _any(holder[in_call], np.ones(len(in_call), np.bool_), len(linked.ops))
    op_concerned = _any(holder[in_call], of_task[in_call], len(linked.ops)) | ~op_has_task
    through_calls = _any(called, op_concerned[call], len(steps))
    concerned = np.where(calling, through_calls | touching, concerned)

    by_step = np.append(concerned, False)[sources.step]
    requests = len(sources.root)
    owned = np.flatnonzero(sources.of_task >= 0)
    by_task = _any(sources.of_task[owned], of_task[owned], requests)
    has_task = _any(sources.of_task[owned], np.ones(len(owned), np.bool_), requests)
    nowhere = (sources.step < 0) & ~has_task
    return DeviceUse(
        steps=concerned,
        touching=touching,
        is_certain=touching | (calling & concerned),
        batches=of_batch,
        queues=of_queue,
        tasks=of_task,
        requests=by_step | by_task | nowhere,
    )


def _any(owner: Int64s, flag: Bools, owners: int) -> Bools:
    """(owners,) whether any of an owner's members has the flag."""
    return np.bincount(owner[flag], minlength=owners).astype(np.bool_)
