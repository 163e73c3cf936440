"""Which steps, batches, queues and requests concern a device: only they can explain its idle time.

A step concerns a device if it has work there. It does not concern the device if it is known to have
none there, which is so in three cases: it has work on another device; or it was recorded whole
between the device tracer's first and last record, no device event of an unknown step overlaps it,
it made no driver call and has no device work; or it lies beyond those records and runs the same
graph as steps of the second case. A batch concerns the devices of its runs, a step around in-graph
batchers those of its batches, a queued task those of the other batches of its queue. What is not
known concerns every device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_work import Device, DeviceWork
from diag.analysis.execution.graph_marks import find_graph_marks
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import covered_between, merge, union
from diag.analysis.requests.attribution import AttributedRequests
from diag.model.events import Bools, Int64s, Ints
from diag.model.intervals import IntervalSet


@dataclass(frozen=True, slots=True, eq=False)
class DeviceUse:
    """What concerns one device. Everything concerns the execution on the CPU.

    Attributes:
        steps: (steps,) whether the root step concerns it.
        touching: (steps,) whether the step has work of its own on the device.
        is_certain: (steps,) whether the step is known to concern it, rather than merely not known
            to be elsewhere.
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


def cpu_use(requests: AttributedRequests) -> DeviceUse:
    """Everything concerns the execution on the CPU."""
    return _use_of_all(requests, concerned=True)


def _use_of_all(requests: AttributedRequests, *, concerned: bool) -> DeviceUse:
    linked = requests.linked
    return DeviceUse(
        steps=np.full(len(linked.steps), concerned),
        touching=np.zeros(len(linked.steps), np.bool_),
        is_certain=np.full(len(linked.steps), concerned),
        batches=np.full(len(linked.batches), concerned),
        queues=np.full(len(linked.queues.keys.label), concerned),
        tasks=np.full(len(linked.tasks), concerned),
        requests=np.full(len(requests.table), concerned),
    )


def device_uses(inputs: IdleInputs) -> tuple[DeviceUse, ...]:
    """One for each GPU plane."""
    devices = inputs.execution.device.devices
    if not devices:
        return ()
    known = _is_known(inputs)
    return tuple(_device_use(device, known, inputs.requests) for device in devices)


def records_of(work: DeviceWork) -> tuple[int, int]:
    """Begin of the first and end of the last record of any device; reversed if there is none."""
    first = [int(device.events.start_ns.min()) for device in work.devices if len(device.events)]
    last = [device.end_ns for device in work.devices if len(device.events)]
    for device in work.devices:
        if len(device.overhead):
            first.append(int(device.overhead.start_ns[0]))
            last.append(int(device.overhead.end_ns[-1]))
    return min(first, default=0), max(last, default=-1)


def _is_known(inputs: IdleInputs) -> Bools:
    """(steps,) whether it is known which devices the step used."""
    work, steps, calls = inputs.execution.device, inputs.execution.steps, inputs.execution.calls
    if inputs.visibility.loss.dropped:
        return work.used
    unlinked = merge(*(_unlinked(device) for device in work.devices))
    whole = ~steps.is_orphan & steps.is_root & ~work.used
    whole &= covered_between(unlinked, steps.start_ns, steps.end_ns) == 0
    # Of a driver call without a device event, the event may be lost or come later.
    callers: list[Ints] = [work.launches.step, *(kind.step for kind in calls.of_the_driver)]
    for step in callers:
        whole[step[step >= 0]] = False
    whole &= ~calls.loading
    first, last = records_of(work)
    within = whole & (steps.start_ns >= first) & (steps.end_ns <= last)
    if (whole & ~within).any() and within.any():
        execution = inputs.execution
        kind = find_graph_marks(execution.events, steps, execution.op_class)
        hosts = np.setdiff1d(kind[within & (kind >= 0)], kind[~within & work.used])
        within |= whole & np.isin(kind, hosts)
    return work.used | within


def _unlinked(device: Device) -> IntervalSet:
    lost = device.events.step < 0
    return union(device.events.start_ns[lost], device.events.end_ns[lost])


def _device_use(device: Device, known: Bools, requests: AttributedRequests) -> DeviceUse:
    if not len(device.events):  # other devices have events, so the tracer ran: it was not used
        return _use_of_all(requests, concerned=False)
    linked, sources = requests.linked, requests.sources
    steps, batches, tasks, queues = linked.steps, linked.batches, linked.tasks, linked.queues
    touching = np.asarray(device.first_ns < device.last_ns, np.bool_)
    concerned = touching | ~known

    of_batch = _any(batches.run_batch, concerned[batches.run_step], len(batches))
    batch_known = _any(batches.run_batch, known[batches.run_step], len(batches))
    keys = queues.keys
    sure = np.flatnonzero(batch_known)
    of_queue = _any(keys.of_batch[sure], of_batch[sure], len(keys.label))
    queue_known = _any(keys.of_batch[sure], batch_known[sure], len(keys.label))
    of_queue |= ~queue_known
    of_batch = np.where(batch_known, of_batch, of_queue[keys.of_batch])

    of_task = of_queue[keys.of_task]
    in_batch = tasks.batch >= 0
    of_task[in_batch] = of_batch[tasks.batch[in_batch]]

    # A step around batchers concerns the devices of its calls' batches. A call whose task is not
    # known may concern any device.
    call = np.flatnonzero(linked.ops.is_batch & (linked.ops.step >= 0))
    called = linked.ops.step[call]
    calling = _any(called, np.ones(len(call), np.bool_), len(steps))
    owner = linked.task_owners.call
    in_call = np.flatnonzero(owner >= 0)
    op_has_task = _any(owner[in_call], np.ones(len(in_call), np.bool_), len(linked.ops))
    op_concerned = _any(owner[in_call], of_task[in_call], len(linked.ops)) | ~op_has_task
    through_calls = _any(called, op_concerned[call], len(steps))
    concerned = np.where(calling, through_calls | touching, concerned)

    by_step = np.append(concerned, False)[sources.step]
    count = len(sources.root)
    owned = np.flatnonzero(sources.of_task >= 0)
    by_task = _any(sources.of_task[owned], of_task[owned], count)
    has_task = _any(sources.of_task[owned], np.ones(len(owned), np.bool_), count)
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
    """(owners,) whether any member of each owner has the flag."""
    return np.bincount(owner[flag], minlength=owners).astype(np.bool_)
