"""Which events stand for requests, and where each task was enqueued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.execution.model_loading import find_loading_steps
from diag.analysis.execution.steps import AsyncOps, Steps
from diag.analysis.intervals.nesting import first_inside, innermost
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s


@dataclass(frozen=True, slots=True)
class Roots:
    """The events that stand for requests, and those that stand for none.

    Attributes:
        session_runs: Rows of BatchingSessionRun that enqueued something.
        bypassing: Rows of BatchingSessionRun that ran their session directly.
        bypassing_step: The step each of them ran.
        refused: How many BatchingSessionRun did neither.
        steps: Root steps that are requests of their own.
        calls: Positions in AsyncOps that stand for requests (tracer level 1).
        censored: Requests of which only parts were recorded.
    """

    session_runs: Int64s
    bypassing: Int64s
    bypassing_step: Int64s
    refused: int
    steps: Int64s
    calls: Int64s
    censored: int


@dataclass(frozen=True, slots=True)
class TaskOwners:
    """Where each task was enqueued: a BatchingSessionRun, or a BatchFunction call.

    Attributes:
        session_rows: Rows of all BatchingSessionRun.
        session: (tasks,) position in ``session_rows``, or -1.
        call: (tasks,) position in AsyncOps, or -1.
    """

    session_rows: Int64s
    session: Int64s
    call: Int64s


def find_task_owners(events: EventTable, tasks: Tasks, ops: AsyncOps) -> TaskOwners:
    """Place tasks; a call inside a session's batch is the inner of the two and wins."""
    sessions = events.rows_named(ev.BATCHING_SESSION_RUN)
    calls = np.flatnonzero(ops.is_batch)
    call = innermost(events, ops.row[calls], tasks.row)
    call = np.where(call >= 0, calls[np.maximum(call, 0)] if len(calls) else -1, -1)
    session = np.where(call >= 0, -1, innermost(events, sessions, tasks.row))
    return TaskOwners(sessions, session, call)


def find_roots(
    events: EventTable,
    lines: tuple[str, ...],
    steps: Steps,
    ops: AsyncOps,
    batches: Batches,
    tasks: Tasks,
    task_owners: TaskOwners,
) -> Roots:
    """Decide which events are requests."""
    sessions = task_owners.session_rows
    held = np.zeros(len(sessions), np.bool_)
    held[task_owners.session[task_owners.session >= 0]] = True
    run = np.flatnonzero(~steps.is_orphan & ~steps.is_function & steps.is_root)
    run = run[np.argsort(steps.row[run])]
    in_session = innermost(events, sessions, steps.row[run])
    direct = first_inside(in_session, len(sessions))
    bypassing = ~held & (direct >= 0)

    in_batch = innermost(events, batches.row, steps.row[run]) >= 0
    cut_off_batch = _batch_lines(events, lines, batches)[events.line_index[steps.row[run]]]
    loads = find_loading_steps(events, lines, steps)[run]
    own = run[~in_batch & (in_session < 0) & ~cut_off_batch & ~loads]

    coarse = not len(events.rows_named(ev.SESSION_RUN, ev.FUNCTION_RUN, ev.EXECUTOR_PROCESS))
    whole_calls = ops.is_batch & (ops.done_ns >= 0)
    whole_calls &= ~_inside_sessions(ops, batches, tasks, task_owners)
    calls = np.flatnonzero(whole_calls) if coarse else np.empty(0, np.int64)
    return Roots(
        session_runs=sessions[held],
        bypassing=sessions[bypassing],
        bypassing_step=run[direct[bypassing]] if len(run) else np.empty(0, np.int64),
        refused=int((~held & ~bypassing).sum()),
        steps=own,
        calls=calls,
        censored=_count_censored(events, steps, ops, tasks, task_owners, coarse=coarse),
    )


def _inside_sessions(
    ops: AsyncOps, batches: Batches, tasks: Tasks, task_owners: TaskOwners
) -> Bools:
    """(ops,) whether the op is one that runs inside batches of a BatchingSession.

    Without executor events only time can tell: between the first and the last such batch, every
    call of the op began and was done within one.
    """
    out = np.zeros(len(ops), np.bool_)
    session = np.unique(tasks.batch[(tasks.batch >= 0) & (task_owners.session >= 0)])
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


def _batch_lines(events: EventTable, lines: tuple[str, ...], batches: Batches) -> Bools:
    """(lines,) whether a line is a batch thread: a SessionRun there belongs to some batch.

    Threads of one pool share the name before the slash (``batch_threads_/7``); a thread all of
    whose batches were cut off by the window is known by that.
    """
    merges = events.rows_named(ev.MERGE_INPUT_TENSORS, ev.CONCAT_INPUT_TENSORS)
    is_batch = np.zeros(max(len(lines), 1), np.bool_)
    is_batch[batches.line] = True
    is_batch[events.line_index[merges]] = True
    pools = {lines[i].partition("/")[0] for i in np.flatnonzero(is_batch) if i < len(lines)} | {
        "batch_threads_",
        "model_server_batch_threads_",
    }
    for i, name in enumerate(lines):
        pool, slash, _ = name.partition("/")
        is_batch[i] |= bool(slash) and pool in pools
    return is_batch


def _count_censored(
    events: EventTable,
    steps: Steps,
    ops: AsyncOps,
    tasks: Tasks,
    task_owners: TaskOwners,
    *,
    coarse: bool,
) -> int:
    """Requests of which a part was recorded but not the root event."""
    homeless = (task_owners.session < 0) & (task_owners.call < 0)
    schedules = events.rows_named(
        ev.SCHEDULE_WITHOUT_SPLIT, ev.SCHEDULE_WITH_EAGER_SPLIT, ev.ADAPTIVE_SCHEDULE
    )
    around = innermost(events, schedules, tasks.row[homeless])
    count = len(np.unique(around[around >= 0])) + int((around < 0).sum())
    calls = np.flatnonzero(ops.is_batch)
    if coarse:
        return count + int((ops.done_ns[calls] < 0).sum())
    rootless = (ops.step[calls] < 0) | steps.is_orphan[ops.step[calls]]
    count += len(np.unique(ops.row[calls][rootless]))
    if not len(tasks) and not len(task_owners.session_rows):
        count += int(steps.is_orphan.sum())  # unbatched: each orphan is a request cut off
    return count
