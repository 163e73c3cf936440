"""Requests: one row for each root event, whatever way the request went to its model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diag.analysis.requests.batcher_visits import find_visits, run_stages, stage_visits
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.analysis.requests.model_names import ModelNames
from diag.analysis.requests.roots import Roots
from diag.analysis.requests.rows import (
    LINK_BATCH_ID,
    LINK_CALL,
    LINK_NONE,
    LINK_STEP,
    LINKS,
    Rows,
    concatenate,
    pairs,
    plain,
    visit_rows,
)
from diag.model.events import Bools, EventTable, Int64s
from diag.model.serving import MODES, STAGES, Mode, RequestTable, Stage


def assemble(
    events: EventTable, roots: Roots, linked: LinkedSteps, names: ModelNames
) -> RequestTable:
    """Build the request table from four kinds of root, ordered by start."""
    tables = [
        _batched_sessions(events, roots, linked, names),
        _bypassing(events, roots, linked, names),
        _session_runs(events, roots, linked, names),
        _bare_calls(roots, linked, names),
    ]
    return concatenate(tables, names.labels)


def _batched_sessions(
    events: EventTable, roots: Roots, linked: LinkedSteps, names: ModelNames
) -> Rows:
    row = roots.session_runs
    position = np.full(len(linked.task_owners.session_rows), -1, np.int64)
    position[np.searchsorted(linked.task_owners.session_rows, row)] = np.arange(len(row))
    holder = linked.task_owners.session
    holder = np.where(holder >= 0, position[np.maximum(holder, 0)] if len(position) else -1, -1)
    visits = find_visits(
        events.start_ns[row], events.end_ns[row], holder, linked.tasks, linked.batches
    )
    run = run_stages(linked.batches, linked.step_stage_ns)
    stage_ns = stage_visits(visits, linked.tasks, linked.batches, linked.queues, run)
    model = _models_of_tasks(events, visits.task, linked, names)
    known = _known(visits.is_linked, visits.task, linked, stage_ns)
    return visit_rows(
        visits, Mode.BATCHING_SESSION, LINK_BATCH_ID, model, stage_ns, known, holder, linked
    )


def _bare_calls(roots: Roots, linked: LinkedSteps, names: ModelNames) -> Rows:
    """Tracer level 1: the call is all there is of the request."""
    op = roots.calls
    position = np.full(len(linked.ops), -1, np.int64)
    position[op] = np.arange(len(op))
    holder = linked.task_owners.call
    holder = np.where(holder >= 0, position[np.maximum(holder, 0)] if len(position) else -1, -1)
    visits = find_visits(
        linked.ops.start_ns[op],
        linked.ops.end_ns[op],
        holder,
        linked.tasks,
        linked.batches,
    )
    run = run_stages(linked.batches, linked.step_stage_ns)
    stage_ns = stage_visits(visits, linked.tasks, linked.batches, linked.queues, run)
    queue = _queue_of_tasks(visits.task, linked)
    model = names.indices(np.full(len(op), -1), queue, linked.queues.keys.label)
    known = _known(visits.is_linked, visits.task, linked, stage_ns)
    return visit_rows(
        visits, Mode.BATCH_FUNCTION, LINK_CALL, model, stage_ns, known, holder, linked
    )


def _bypassing(events: EventTable, roots: Roots, linked: LinkedSteps, names: ModelNames) -> Rows:
    """BatchingSessionRun around a plain run: what lies around the run is scheduling and return."""
    row, step = roots.bypassing, roots.bypassing_step
    stage_ns = linked.step_stage_ns[step]
    start, end = events.start_ns[row], events.end_ns[row]
    stage_ns[:, Stage.SCHEDULE.index] += linked.steps.start_ns[step] - start
    stage_ns[:, Stage.BATCH_SPLIT.index] += end - linked.steps.end_ns[step]
    model_id = events.stat("model_id").at(linked.steps.row[step])
    model = names.indices(model_id, np.full(len(step), -1), linked.queues.keys.label)
    return plain(start, end, np.full(len(row), -1), Mode.UNBATCHED, LINK_STEP, model, stage_ns)


def _session_runs(events: EventTable, roots: Roots, linked: LinkedSteps, names: ModelNames) -> Rows:
    """SessionRun as a request: unbatched, or around BatchFunction calls."""
    step = roots.steps
    steps, ops = linked.steps, linked.ops
    call = np.flatnonzero(ops.is_batch & (ops.step >= 0))
    call = call[np.lexsort((ops.start_ns[call], ops.done_ns[call]))]
    position = np.full(len(steps), -1, np.int64)
    position[step] = np.arange(len(step))
    owner = position[ops.step[call]]
    call, owner = call[owner >= 0], owner[owner >= 0]
    calls = np.bincount(owner, minlength=len(step))
    is_cut = ~linked.calls.is_linked[call] | (ops.done_ns[call] < 0)
    broken = np.bincount(owner[is_cut], minlength=len(step))
    last_call = np.full(len(step), -1, np.int64)
    last_call[owner] = call
    is_batched = calls > 0

    rows = np.full(len(step), -1, np.int64)
    rows[is_batched] = linked.calls.rows[last_call[is_batched]]
    task = np.full(len(step), -1, np.int64)
    task[is_batched] = linked.calls.task[last_call[is_batched]]
    model_id = events.stat("model_id").at(steps.row[step])
    model = names.indices(model_id, _queue_of_tasks(task, linked), linked.queues.keys.label)
    complete = broken == 0
    known = _known(complete, task, linked, linked.step_stage_ns[step])
    op_owner = np.full(len(ops), -1, np.int64)
    op_owner[call] = owner
    in_call = linked.task_owners.call >= 0
    holder = np.full(len(linked.tasks), -1, np.int64)
    holder[in_call] = op_owner[linked.task_owners.call[in_call]]
    has_burst = linked.step_stage_ns[step][:, Stage.UNATTRIBUTED.index] < (
        steps.end_ns[step] - steps.start_ns[step]
    )
    link = np.where(has_burst, LINKS.index(LINK_STEP), LINKS.index(LINK_NONE))
    pair_holder, pair_batch = pairs(holder, linked)
    return Rows(
        start_ns=steps.start_ns[step],
        end_ns=steps.end_ns[step],
        rows=rows,
        model=model,
        mode=np.where(is_batched, MODES.index(Mode.BATCH_FUNCTION), MODES.index(Mode.UNBATCHED)),
        complete=complete,
        link=np.where(is_batched, LINKS.index(LINK_CALL), link),
        stage_ns=linked.step_stage_ns[step],
        stage_known=known,
        holder=pair_holder,
        batch=pair_batch,
    )


def _queue_of_tasks(task: Int64s, linked: LinkedSteps) -> Int64s:
    of_task = linked.queues.keys.of_task
    if not len(of_task):
        return np.full(len(task), -1, np.int64)
    return np.where(task >= 0, of_task[np.maximum(task, 0)], -1)


def _models_of_tasks(
    events: EventTable, task: Int64s, linked: LinkedSteps, names: ModelNames
) -> Int64s:
    """Model of a BatchingSession's request: its batch's session may say, else its queue does."""
    queue = _queue_of_tasks(task, linked)
    model_of_queue = np.full(len(linked.queues.keys.label) + 1, -1, np.int64)
    has_step = np.flatnonzero(linked.batches.first_step >= 0)
    run = linked.steps.row[linked.batches.first_step[has_step]]
    model_id = events.stat("model_id").at(run)
    np.maximum.at(model_of_queue, linked.queues.keys.of_batch[has_step], model_id)
    return names.indices(model_of_queue[queue], queue, linked.queues.keys.label)


# Tracer level 1 has no step events: what a run spent on what is in its compute.
_INSIDE_RUNS = (
    Stage.PREPROCESS,
    Stage.QUEUE_EXECUTOR,
    Stage.TRANSFER_IN,
    Stage.LAUNCH,
    Stage.DEVICE_WAIT,
    Stage.TRANSFER_OUT,
    Stage.POSTPROCESS,
)


def _known(
    is_linked: Bools, task: Int64s, linked: LinkedSteps, stage_ns: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(n, len(STAGES)): False where a stage applies but nothing bounds it.

    What was measured is known, also of a request whose chain is broken further on.
    """
    known = np.ones((len(is_linked), len(STAGES)), np.bool_)
    for stage in STAGES:
        if stage not in (Stage.SCHEDULE, Stage.UNATTRIBUTED):
            known[~is_linked, stage.index] = False
    if not len(linked.tasks):
        return known | (stage_ns > 0)
    batch = np.where(task >= 0, linked.tasks.batch[np.maximum(task, 0)], -1)
    coarse = is_linked & (batch >= 0)
    coarse[coarse] = linked.batches.first_step[batch[coarse]] < 0
    for stage in _INSIDE_RUNS:
        known[coarse, stage.index] = False
    known |= stage_ns > 0
    # The end of a run that shows no step is that of its batch: what follows is more than the split.
    known[coarse, Stage.BATCH_SPLIT.index] = False
    return known
