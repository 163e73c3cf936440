"""Requests that wait in a ``BatchingSession`` for their batch (``--enable_batching``)."""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals.nesting import first_inside, innermost
from diag.analysis.requests.batcher_visits import find_visits
from diag.analysis.requests.kinds.kind import KindInputs, Roots, positions
from diag.analysis.requests.rows import Rows
from diag.analysis.requests.visit_rows import queues_of_tasks, visit_rows
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, Int64s
from diag.model.serving import Mode

LINK = "ScheduleOutputTask._p = ProcessBatch._c"


def find(inputs: KindInputs, free: Bools) -> Roots:
    """``BatchingSessionRun`` events that enqueued something; all steps inside one are taken.

    Those that warm up a model are no requests.
    """
    owners, steps = inputs.linked.task_owners, inputs.linked.steps
    sessions = owners.session_rows
    enqueued = np.zeros(len(sessions), np.bool_)
    enqueued[owners.session[owners.session >= 0]] = True
    answers = ~np.isin(sessions, inputs.execution.calls.warm_ups)
    in_session = innermost(inputs.events, sessions, steps.row[free])
    row = sessions[enqueued & answers]
    return Roots(
        row=row,
        step=np.full(len(row), -1, np.int64),
        taken=np.flatnonzero(free)[in_session >= 0],
        censored=_count_censored(inputs),
    )


def first_runs_inside(inputs: KindInputs) -> Int64s:
    """(sessions,) the first step that each ``BatchingSessionRun`` ran on its own thread, or -1."""
    steps, sessions = inputs.linked.steps, inputs.linked.task_owners.session_rows
    run = np.flatnonzero(~steps.is_orphan & ~steps.is_function & steps.is_root)
    first = first_inside(innermost(inputs.events, sessions, steps.row[run]), len(sessions))
    return np.where(first >= 0, run[np.maximum(first, 0)] if len(run) else -1, -1)


def tile(inputs: KindInputs, roots: Roots) -> Rows:
    """From the begin of the root to its enqueue, through its queue and batch, to its end."""
    events, linked = inputs.events, inputs.linked
    owners = linked.task_owners
    position = positions(np.searchsorted(owners.session_rows, roots.row), len(owners.session_rows))
    of_task = position[owners.session]
    visits = find_visits(
        events.start_ns[roots.row], events.end_ns[roots.row], of_task, linked.tasks, linked.batches
    )
    return visit_rows(
        linked,
        visits,
        mode=Mode.BATCHING_SESSION,
        link=LINK,
        model=_models_of_tasks(inputs, visits.task),
        root=roots.row,
        of_task=of_task,
    )


def _models_of_tasks(inputs: KindInputs, task: Int64s) -> Int64s:
    """(n,) model of each request: the one its queue's batches ran, if they say so."""
    linked = inputs.linked
    keys, batches = linked.queues.keys, linked.batches
    queue = queues_of_tasks(linked, task)
    model_of_queue = np.full(len(keys.label) + 1, -1, np.int64)
    has_step = np.flatnonzero(batches.first_step >= 0)
    run = linked.steps.row[batches.first_step[has_step]]
    model_id = inputs.events.stat(ev.STAT_MODEL_ID).at(run)
    np.maximum.at(model_of_queue, keys.of_batch[has_step], model_id)
    return inputs.names.indices(model_of_queue[queue], queue, keys.label)


def _count_censored(inputs: KindInputs) -> int:
    """Requests of which a task was recorded, but neither a session nor a call around it.

    Tasks that one call of the scheduler enqueued are of one request.
    """
    events, linked = inputs.events, inputs.linked
    owners = linked.task_owners
    alone = (owners.session < 0) & (owners.call < 0)
    schedules = events.rows_named(*ev.SCHEDULE_CALLS)
    around = innermost(events, schedules, linked.tasks.row[alone])
    return len(np.unique(around[around >= 0])) + int((around < 0).sum())
