"""Requests that run by themselves: a ``SessionRun``, or a ``BatchingSession`` that did not batch.

A ``BatchingSession`` runs a request directly if it is larger than a batch may be, for instance.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.requests.kinds.batching_session import first_runs_inside
from diag.analysis.requests.kinds.kind import KindInputs, Roots
from diag.analysis.requests.rows import Rows
from diag.formats.trace import event_names as ev
from diag.model.events import Bools
from diag.model.serving import STAGES, Mode, Stage

LINK = "SessionRun._p = ExecutorState::Process._c"
NO_LINK = "root event only"


def find(inputs: KindInputs, free: Bools) -> Roots:
    """``BatchingSessionRun`` events that ran their session directly, and all free steps."""
    linked = inputs.linked
    owners, steps = linked.task_owners, linked.steps
    first_run = first_runs_inside(inputs)
    first_run[owners.session[owners.session >= 0]] = -1  # they enqueued something
    direct = np.flatnonzero(first_run >= 0)
    own = np.flatnonzero(free)
    # Where nothing was batched, a session's step without its run event is of a request cut off.
    batched = len(linked.tasks) > 0 or len(owners.session_rows) > 0
    return Roots(
        row=np.concatenate((owners.session_rows[direct], steps.row[own])),
        step=np.concatenate((first_run[direct], own)),
        taken=own,
        censored=0 if batched else int((steps.is_orphan & ~steps.is_function).sum()),
    )


def tile(inputs: KindInputs, roots: Roots) -> Rows:
    """The stages of the step; what a session spent around it is scheduling and returning."""
    events, linked, step = inputs.events, inputs.linked, roots.step
    steps = linked.steps
    is_direct = roots.row != steps.row[step]
    start, end = steps.start_ns[step].copy(), steps.end_ns[step].copy()
    start[is_direct] = events.start_ns[roots.row[is_direct]]
    end[is_direct] = events.end_ns[roots.row[is_direct]]
    stage_ns = linked.step_stage_ns[step]
    stage_ns[:, Stage.SCHEDULE.index] += steps.start_ns[step] - start
    stage_ns[:, Stage.BATCH_SPLIT.index] += end - steps.end_ns[step]
    has_burst = stage_ns[:, Stage.UNATTRIBUTED.index] < end - start
    n = len(step)
    model_id = events.stat(ev.STAT_MODEL_ID).at(steps.row[step])
    none = np.full(n, -1, np.int64)
    return Rows(
        mode=Mode.UNBATCHED,
        start_ns=start,
        end_ns=end,
        rows=none,
        model=inputs.names.indices(model_id, none, linked.queues.keys.label),
        complete=np.ones(n, np.bool_),
        link=np.where(is_direct | has_burst, 0, 1),
        links=(LINK, NO_LINK),
        stage_ns=stage_ns,
        stage_known=np.ones((n, len(STAGES)), np.bool_),
        root=roots.row,
        step=step,
        of_task=np.full(len(linked.tasks), -1, np.int64),
    )
