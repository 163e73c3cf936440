"""Requests whose graph calls an in-graph batcher: the op ``BatchFunction``.

At tracer level 1 no step is recorded, and the call is all there is of the request.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.task_owners import TaskOwners
from diag.analysis.execution.async_ops import AsyncOps
from diag.analysis.requests.batcher_visits import find_visits
from diag.analysis.requests.kinds.kind import KindInputs, Roots, positions
from diag.analysis.requests.rows import Rows
from diag.analysis.requests.visit_rows import known_stages, queues_of_tasks, visit_rows
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, Int64s
from diag.model.serving import Mode

LINK = "ProcessAsync step_id, then ScheduleOutputTask._p = ProcessBatch._c"


def find(inputs: KindInputs, free: Bools) -> Roots:
    """Free steps with such a call; without any step in the trace, the calls themselves.

    A call that was done without having enqueued anything was refused, and with it its request.
    """
    linked = inputs.linked
    steps, ops = linked.steps, linked.ops
    calls, refused = np.flatnonzero(ops.is_batch), refused_calls(inputs)
    if not inputs.has_steps:
        whole = ops.is_batch & (ops.done_ns >= 0)
        whole &= ~_inside_sessions(ops, linked.batches, linked.tasks, linked.task_owners)
        whole[refused] = False
        op = np.flatnonzero(whole)
        none = np.empty(0, np.int64)
        censored = int((ops.done_ns[calls] < 0).sum())
        return Roots(ops.row[op], np.full(len(op), -1, np.int64), none, censored)
    calling = free & steps_with(calls, ops, len(steps))
    step = np.flatnonzero(calling & ~steps_with(refused, ops, len(steps)))
    cut = np.append(steps.is_orphan, True)[ops.step[calls]]  # the last one is found by -1
    return Roots(
        steps.row[step],
        step,
        taken=np.flatnonzero(calling),
        censored=len(np.unique(ops.row[calls][cut])),
    )


def refused_calls(inputs: KindInputs) -> Int64s:
    """Calls that were done without having enqueued anything, one for each request.

    Calls inside batches are no requests. TensorFlow before 2.15 leaves no event of such a call.
    """
    linked = inputs.linked
    ops, owners, batches = linked.ops, linked.task_owners, linked.batches
    has_task = np.bincount(owners.call[owners.call >= 0], minlength=len(ops)) > 0
    refused = ops.is_batch & (ops.done_ns >= 0) & ~has_task
    if not inputs.has_steps:
        refused &= ~_inside_sessions(ops, batches, linked.tasks, owners)
        return np.flatnonzero(refused)
    refused &= (ops.step >= 0) & ~np.isin(ops.step, batches.run_step)
    call = np.flatnonzero(refused)
    return call[np.unique(ops.step[call], return_index=True)[1]]


def steps_with(calls: Int64s, ops: AsyncOps, count: int) -> Bools:
    """(steps,) whether the step made one of these calls."""
    out = np.zeros(count, np.bool_)
    of_call = ops.step[calls]
    out[of_call[of_call >= 0]] = True
    return out


def tile(inputs: KindInputs, roots: Roots) -> Rows:
    """The stages of the step, of which those of its calls are part."""
    return step_rows(inputs, roots, LINK) if inputs.has_steps else _bare_calls(inputs, roots)


def step_rows(inputs: KindInputs, roots: Roots, link: str) -> Rows:
    """Rows of steps with calls of an in-graph batcher.

    Args:
        inputs: What was recorded.
        roots: The steps.
        link: By what evidence they were linked to their batches.
    """
    linked, step = inputs.linked, roots.step
    steps, ops, calls = linked.steps, linked.ops, linked.calls
    call = np.flatnonzero(ops.is_batch & (ops.step >= 0))
    call = call[np.lexsort((ops.start_ns[call], ops.done_ns[call]))]
    owner = positions(step, len(steps))[ops.step[call]]
    call, owner = call[owner >= 0], owner[owner >= 0]
    is_cut = ~calls.is_linked[call] | (ops.done_ns[call] < 0)
    complete = np.bincount(owner[is_cut], minlength=len(step)) == 0
    last_call = np.full(len(step), -1, np.int64)
    last_call[owner] = call
    of_op = np.full(len(ops) + 1, -1, np.int64)
    of_op[call] = owner
    task, stage_ns = calls.task[last_call], linked.step_stage_ns[step]
    model_id = inputs.events.stat(ev.STAT_MODEL_ID).at(steps.row[step])
    queue = queues_of_tasks(linked, task)
    return Rows(
        mode=Mode.BATCH_FUNCTION,
        start_ns=steps.start_ns[step],
        end_ns=steps.end_ns[step],
        rows=calls.rows[last_call],
        model=inputs.names.indices(model_id, queue, linked.queues.keys.label),
        complete=complete,
        link=np.zeros(len(step), np.int64),
        links=(link,),
        stage_ns=stage_ns,
        stage_known=known_stages(linked, task, stage_ns, is_linked=complete),
        root=roots.row,
        step=step,
        of_task=of_op[linked.task_owners.call],
    )


def _bare_calls(inputs: KindInputs, roots: Roots) -> Rows:
    linked = inputs.linked
    op = np.searchsorted(linked.ops.row, roots.row)
    of_task = positions(op, len(linked.ops))[linked.task_owners.call]
    start_ns, end_ns = linked.ops.start_ns[op], linked.ops.end_ns[op]
    visits = find_visits(start_ns, end_ns, of_task, linked.tasks, linked.batches)
    queue = queues_of_tasks(linked, visits.task)
    none = np.full(len(op), -1, np.int64)
    return visit_rows(
        linked,
        visits,
        mode=Mode.BATCH_FUNCTION,
        link=LINK,
        model=inputs.names.indices(none, queue, linked.queues.keys.label),
        root=roots.row,
        of_task=of_task,
    )


def _inside_sessions(ops: AsyncOps, batches: Batches, tasks: Tasks, owners: TaskOwners) -> Bools:
    """(ops,) whether the op is one that runs inside batches of a ``BatchingSession``.

    Without executor events only time can tell: between the first and the last such batch, every
    call of the op began and was done within one.
    """
    out = np.zeros(len(ops), np.bool_)
    session = np.unique(tasks.batch[(tasks.batch >= 0) & (owners.session >= 0)])
    if not len(session):
        return out
    session = session[np.argsort(batches.start_ns[session], kind="stable")]
    start, reach = batches.start_ns[session], np.maximum.accumulate(batches.end_ns[session])
    index = np.searchsorted(start, ops.start_ns, side="right") - 1
    judged = ops.is_batch & (ops.done_ns >= 0) & (index >= 0) & (ops.done_ns <= reach[-1])
    within = judged & (reach[np.maximum(index, 0)] >= ops.done_ns)
    for name in np.unique(ops.name[ops.is_batch]):
        mine = ops.is_batch & (ops.name == name)
        out[mine] = judged[mine].any() and within[mine & judged].all()
    return out
