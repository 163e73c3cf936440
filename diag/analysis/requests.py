"""Requests: one row for each root event, whatever way the request went to its model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.batches import Batches, Tasks
from diag.analysis.chains import Stays, run_stages, stage_stays, stays_of
from diag.analysis.model_names import ModelNames
from diag.analysis.nesting import first_inside, innermost
from diag.analysis.queues import NO_OP, QueueState
from diag.analysis.step_stages import StepStages
from diag.analysis.steps import AsyncOps, Steps
from diag.formats import event_names as ev
from diag.model.events import Bools, EventTable, Int64s
from diag.model.serving import MODES, STAGES, Mode, RequestTable, Stage

LINK_BATCH_ID = "ScheduleOutputTask._p = ProcessBatch._c"
LINK_CALL = "ProcessAsync step_id, then ScheduleOutputTask._p = ProcessBatch._c"
LINK_STEP = "SessionRun._p = ExecutorState::Process._c"
LINK_NONE = "root event only"
LINKS = (LINK_BATCH_ID, LINK_CALL, LINK_STEP, LINK_NONE)


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
class Holders:
    """Where each task was enqueued: a BatchingSessionRun, or a BatchFunction call.

    Attributes:
        session_rows: Rows of all BatchingSessionRun.
        session: (tasks,) position in ``session_rows``, or -1.
        call: (tasks,) position in AsyncOps, or -1.
    """

    session_rows: Int64s
    session: Int64s
    call: Int64s


def find_holders(events: EventTable, tasks: Tasks, ops: AsyncOps) -> Holders:
    """Place tasks; a call inside a session's batch is the inner of the two and wins."""
    sessions = events.rows_named(ev.BATCHING_SESSION_RUN)
    calls = np.flatnonzero(ops.is_batch)
    call = innermost(events, ops.row[calls], tasks.row)
    call = np.where(call >= 0, calls[np.maximum(call, 0)] if len(calls) else -1, -1)
    session = np.where(call >= 0, -1, innermost(events, sessions, tasks.row))
    return Holders(sessions, session, call)


def find_roots(
    events: EventTable,
    lines: tuple[str, ...],
    steps: Steps,
    ops: AsyncOps,
    batches: Batches,
    tasks: Tasks,
    holders: Holders,
) -> Roots:
    """Decide which events are requests."""
    sessions = holders.session_rows
    held = np.zeros(len(sessions), np.bool_)
    held[holders.session[holders.session >= 0]] = True
    run = np.flatnonzero(~steps.is_orphan & ~steps.is_function & steps.is_root)
    run = run[np.argsort(steps.row[run])]
    in_session = innermost(events, sessions, steps.row[run])
    direct = first_inside(in_session, len(sessions))
    bypassing = ~held & (direct >= 0)

    in_batch = innermost(events, batches.row, steps.row[run]) >= 0
    cut_off_batch = _batch_lines(events, lines, batches)[events.line_index[steps.row[run]]]
    own = run[~in_batch & (in_session < 0) & ~cut_off_batch]

    coarse = not len(events.rows_named(ev.SESSION_RUN, ev.FUNCTION_RUN, ev.EXECUTOR_PROCESS))
    whole_calls = ops.is_batch & (ops.done_ns >= 0)
    calls = np.flatnonzero(whole_calls) if coarse else np.empty(0, np.int64)
    return Roots(
        session_runs=sessions[held],
        bypassing=sessions[bypassing],
        bypassing_step=run[direct[bypassing]] if len(run) else np.empty(0, np.int64),
        refused=int((~held & ~bypassing).sum()),
        steps=own,
        calls=calls,
        censored=_count_censored(events, steps, ops, tasks, holders, coarse=coarse),
    )


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
    events: EventTable, steps: Steps, ops: AsyncOps, tasks: Tasks, holders: Holders, *, coarse: bool
) -> int:
    """Requests of which a part was recorded but not the root event."""
    homeless = (holders.session < 0) & (holders.call < 0)
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
    if not len(tasks) and not len(holders.session_rows):
        count += int(steps.is_orphan.sum())  # unbatched: each orphan is a request cut off
    return count


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that assembling needs.

    Attributes:
        steps: All steps.
        ops: Asynchronous ops.
        batches: All batches.
        tasks: All tasks.
        queues: Queue state.
        holders: Where tasks were enqueued.
        calls: Stays of the asynchronous ops.
        step_stage_ns: Stages of steps including calls.
    """

    steps: Steps
    ops: AsyncOps
    batches: Batches
    tasks: Tasks
    queues: QueueState
    holders: Holders
    calls: Stays
    step_stage_ns: NDArray[np.int64]


def ops_of_tasks(holders: Holders, ops: AsyncOps) -> Int64s:
    """(tasks,) index of the node name of the BatchFunction that enqueued each task.

    -1 where it bears no name, NO_OP for a task that no BatchFunction enqueued.
    """
    if not len(ops):
        return np.full(len(holders.call), NO_OP, np.int64)
    return np.where(holders.call >= 0, ops.name[np.maximum(holders.call, 0)], NO_OP)


def open_ledger(
    steps: Steps,
    ops: AsyncOps,
    batches: Batches,
    tasks: Tasks,
    queues: QueueState,
    holders: Holders,
    staged: StepStages,
) -> Ledger:
    """Account for the calls into in-graph batchers, then for the steps around them."""
    end = np.where(ops.done_ns >= 0, ops.done_ns, ops.start_ns)
    calls = stays_of(ops.start_ns, end, holders.call, tasks, batches)
    run = run_stages(batches, staged.stage_ns)
    call_stage_ns = stage_stays(calls, tasks, batches, queues, run)
    step_stage_ns = _add_calls(staged, steps, ops, call_stage_ns)
    return Ledger(steps, ops, batches, tasks, queues, holders, calls, step_stage_ns)


def _add_calls(
    staged: StepStages, steps: Steps, ops: AsyncOps, call_stage_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(steps, len(STAGES)): stages of steps with their batch calls, adding up to each step.

    Of calls that overlap the one that ends last counts: it decides when the step went on. The time
    before it began, in which only its siblings were in their queues, is unattributed.
    """
    out: NDArray[np.int64] = staged.stage_ns.copy()
    call = staged.parts.calls
    np.add.at(out, ops.step[call], call_stage_ns[call])
    rest = np.where(steps.is_root, steps.end_ns - steps.start_ns - out.sum(axis=1), 0)
    excess = rest < 0  # a call that sticks out of its step
    out[excess] = staged.stage_ns[excess]
    rest[excess] = (steps.end_ns - steps.start_ns - out.sum(axis=1))[excess]
    out[:, Stage.UNATTRIBUTED.index] += rest
    return out


def assemble(events: EventTable, roots: Roots, ledger: Ledger, names: ModelNames) -> RequestTable:
    """Build the request table from four kinds of root, ordered by start."""
    tables = [
        _batched_sessions(events, roots, ledger, names),
        _bypassing(events, roots, ledger, names),
        _session_runs(events, roots, ledger, names),
        _bare_calls(roots, ledger, names),
    ]
    return _concatenate(tables, names.labels)


@dataclass(frozen=True, slots=True)
class _Rows:
    start_ns: Int64s
    end_ns: Int64s
    rows: Int64s
    model: Int64s
    mode: Int64s
    complete: Bools
    link: Int64s
    stage_ns: NDArray[np.int64]
    stage_known: NDArray[np.bool_]
    holder: Int64s  # row of (request, batch) pairs
    batch: Int64s


def _batched_sessions(events: EventTable, roots: Roots, ledger: Ledger, names: ModelNames) -> _Rows:
    row = roots.session_runs
    position = np.full(len(ledger.holders.session_rows), -1, np.int64)
    position[np.searchsorted(ledger.holders.session_rows, row)] = np.arange(len(row))
    holder = ledger.holders.session
    holder = np.where(holder >= 0, position[np.maximum(holder, 0)] if len(position) else -1, -1)
    stays = stays_of(events.start_ns[row], events.end_ns[row], holder, ledger.tasks, ledger.batches)
    run = run_stages(ledger.batches, ledger.step_stage_ns)
    stage_ns = stage_stays(stays, ledger.tasks, ledger.batches, ledger.queues, run)
    model = _models_of_tasks(events, stays.task, ledger, names)
    known = _known(stays.is_linked, stays.task, ledger)
    return _rows(
        stays, Mode.BATCHING_SESSION, LINK_BATCH_ID, model, stage_ns, known, holder, ledger
    )


def _bare_calls(roots: Roots, ledger: Ledger, names: ModelNames) -> _Rows:
    """Tracer level 1: the call is all there is of the request."""
    op = roots.calls
    position = np.full(len(ledger.ops), -1, np.int64)
    position[op] = np.arange(len(op))
    holder = ledger.holders.call
    holder = np.where(holder >= 0, position[np.maximum(holder, 0)] if len(position) else -1, -1)
    stays = stays_of(
        ledger.ops.start_ns[op], ledger.ops.end_ns[op], holder, ledger.tasks, ledger.batches
    )
    run = run_stages(ledger.batches, ledger.step_stage_ns)
    stage_ns = stage_stays(stays, ledger.tasks, ledger.batches, ledger.queues, run)
    queue = _queue_of_tasks(stays.task, ledger)
    model = names.indices(np.full(len(op), -1), queue, ledger.queues.keys.label)
    known = _known(stays.is_linked, stays.task, ledger)
    return _rows(stays, Mode.BATCH_FUNCTION, LINK_CALL, model, stage_ns, known, holder, ledger)


def _bypassing(events: EventTable, roots: Roots, ledger: Ledger, names: ModelNames) -> _Rows:
    """BatchingSessionRun around a plain run: what lies around the run is scheduling and return."""
    row, step = roots.bypassing, roots.bypassing_step
    stage_ns = ledger.step_stage_ns[step]
    start, end = events.start_ns[row], events.end_ns[row]
    stage_ns[:, Stage.SCHEDULE.index] += ledger.steps.start_ns[step] - start
    stage_ns[:, Stage.BATCH_SPLIT.index] += end - ledger.steps.end_ns[step]
    model_id = events.stat("model_id").at(ledger.steps.row[step])
    model = names.indices(model_id, np.full(len(step), -1), ledger.queues.keys.label)
    return _plain(start, end, np.full(len(row), -1), Mode.UNBATCHED, LINK_STEP, model, stage_ns)


def _session_runs(events: EventTable, roots: Roots, ledger: Ledger, names: ModelNames) -> _Rows:
    """SessionRun as a request: unbatched, or around BatchFunction calls."""
    step = roots.steps
    steps, ops = ledger.steps, ledger.ops
    call = np.flatnonzero(ops.is_batch & (ops.step >= 0))
    call = call[np.lexsort((ops.start_ns[call], ops.done_ns[call]))]
    position = np.full(len(steps), -1, np.int64)
    position[step] = np.arange(len(step))
    owner = position[ops.step[call]]
    call, owner = call[owner >= 0], owner[owner >= 0]
    calls = np.bincount(owner, minlength=len(step))
    is_cut = ~ledger.calls.is_linked[call] | (ops.done_ns[call] < 0)
    broken = np.bincount(owner[is_cut], minlength=len(step))
    last_call = np.full(len(step), -1, np.int64)
    last_call[owner] = call
    is_batched = calls > 0

    rows = np.full(len(step), -1, np.int64)
    rows[is_batched] = ledger.calls.rows[last_call[is_batched]]
    task = np.full(len(step), -1, np.int64)
    task[is_batched] = ledger.calls.task[last_call[is_batched]]
    model_id = events.stat("model_id").at(steps.row[step])
    model = names.indices(model_id, _queue_of_tasks(task, ledger), ledger.queues.keys.label)
    complete = broken == 0
    known = _known(complete, task, ledger)
    op_owner = np.full(len(ops), -1, np.int64)
    op_owner[call] = owner
    in_call = ledger.holders.call >= 0
    holder = np.full(len(ledger.tasks), -1, np.int64)
    holder[in_call] = op_owner[ledger.holders.call[in_call]]
    has_burst = ledger.step_stage_ns[step][:, Stage.UNATTRIBUTED.index] < (
        steps.end_ns[step] - steps.start_ns[step]
    )
    link = np.where(has_burst, LINKS.index(LINK_STEP), LINKS.index(LINK_NONE))
    pair_holder, pair_batch = _pairs(holder, ledger)
    return _Rows(
        start_ns=steps.start_ns[step],
        end_ns=steps.end_ns[step],
        rows=rows,
        model=model,
        mode=np.where(is_batched, MODES.index(Mode.BATCH_FUNCTION), MODES.index(Mode.UNBATCHED)),
        complete=complete,
        link=np.where(is_batched, LINKS.index(LINK_CALL), link),
        stage_ns=ledger.step_stage_ns[step],
        stage_known=known,
        holder=pair_holder,
        batch=pair_batch,
    )


def _plain(
    start: Int64s,
    end: Int64s,
    rows: Int64s,
    mode: Mode,
    link: str,
    model: Int64s,
    stage_ns: NDArray[np.int64],
) -> _Rows:
    n = len(start)
    none = np.empty(0, np.int64)
    return _Rows(
        start,
        end,
        rows,
        model,
        np.full(n, MODES.index(mode)),
        np.ones(n, np.bool_),
        np.full(n, LINKS.index(link)),
        stage_ns,
        np.ones((n, len(STAGES)), np.bool_),
        none,
        none,
    )


def _rows(
    stays: Stays,
    mode: Mode,
    link: str,
    model: Int64s,
    stage_ns: NDArray[np.int64],
    known: NDArray[np.bool_],
    holder: Int64s,
    ledger: Ledger,
) -> _Rows:
    pair_holder, pair_batch = _pairs(holder, ledger)
    n = len(stays)
    return _Rows(
        stays.start_ns,
        stays.end_ns,
        stays.rows,
        model,
        np.full(n, MODES.index(mode)),
        stays.is_linked,
        np.full(n, LINKS.index(link)),
        stage_ns,
        known,
        pair_holder,
        pair_batch,
    )


def _pairs(holder: Int64s, ledger: Ledger) -> tuple[Int64s, Int64s]:
    """(request, batch) pairs in request, then enqueue order."""
    task = np.flatnonzero((holder >= 0) & (ledger.tasks.batch >= 0))
    task = task[np.lexsort((ledger.tasks.enqueue_ns[task], holder[task]))]
    return holder[task], ledger.tasks.batch[task]


def _queue_of_tasks(task: Int64s, ledger: Ledger) -> Int64s:
    of_task = ledger.queues.keys.of_task
    if not len(of_task):
        return np.full(len(task), -1, np.int64)
    return np.where(task >= 0, of_task[np.maximum(task, 0)], -1)


def _models_of_tasks(events: EventTable, task: Int64s, ledger: Ledger, names: ModelNames) -> Int64s:
    """Model of a BatchingSession's request: its batch's session may say, else its queue does."""
    queue = _queue_of_tasks(task, ledger)
    model_of_queue = np.full(len(ledger.queues.keys.label) + 1, -1, np.int64)
    has_step = np.flatnonzero(ledger.batches.first_step >= 0)
    run = ledger.steps.row[ledger.batches.first_step[has_step]]
    model_id = events.stat("model_id").at(run)
    np.maximum.at(model_of_queue, ledger.queues.keys.of_batch[has_step], model_id)
    return names.indices(model_of_queue[queue], queue, ledger.queues.keys.label)


def _known(linked: Bools, task: Int64s, ledger: Ledger) -> NDArray[np.bool_]:
    """(n, len(STAGES)): False where a stage applies but nothing bounds it."""
    known = np.ones((len(linked), len(STAGES)), np.bool_)
    for stage in STAGES:
        if stage not in (Stage.SCHEDULE, Stage.UNATTRIBUTED):
            known[~linked, stage.index] = False
    if not len(ledger.tasks):
        return known
    batch = np.where(task >= 0, ledger.tasks.batch[np.maximum(task, 0)], -1)
    coarse = linked & (batch >= 0)
    coarse[coarse] = ledger.batches.first_step[batch[coarse]] < 0
    # Tracer level 1 has no step events: what a run spent on what, and its end, is in compute.
    for stage in (
        Stage.PREPROCESS,
        Stage.QUEUE_EXECUTOR,
        Stage.BATCH_SPLIT,
        Stage.TRANSFER_IN,
        Stage.LAUNCH,
        Stage.DEVICE_WAIT,
        Stage.TRANSFER_OUT,
        Stage.POSTPROCESS,
    ):
        known[coarse, stage.index] = False
    return known


def _concatenate(tables: list[_Rows], labels: tuple[str, ...]) -> RequestTable:
    def column(name: str) -> NDArray[np.int64]:
        return np.concatenate([getattr(table, name) for table in tables])

    base = np.cumsum([0] + [len(table.start_ns) for table in tables])
    start, end = column("start_ns"), column("end_ns")
    order = np.lexsort((end, start))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    holder = np.concatenate(
        [table.holder + shift for table, shift in zip(tables, base[:-1], strict=True)]
    )
    holder, batch = rank[holder], column("batch")
    by_request = np.argsort(holder, kind="stable")
    offsets = np.searchsorted(holder[by_request], np.arange(len(order) + 1))
    stage_ns, known = column("stage_ns")[order], column("stage_known")[order].astype(np.bool_)
    # An unknown stage holds no time: what it would have been is in unattributed or a neighbour.
    hidden = np.where(known, 0, stage_ns)
    stage_ns = stage_ns - hidden
    stage_ns[:, Stage.UNATTRIBUTED.index] += hidden.sum(axis=1)
    return RequestTable(
        start_ns=start[order],
        end_ns=end[order],
        rows=column("rows")[order],
        model_index=column("model")[order].astype(np.int32),
        mode_index=column("mode")[order].astype(np.int32),
        complete=column("complete")[order].astype(np.bool_),
        linked_by_index=column("link")[order].astype(np.int32),
        batch_offsets=offsets.astype(np.int64),
        batch_index=batch[by_request].astype(np.int32),
        stage_ns=stage_ns,
        stage_known=known,
        models=labels,
        links=LINKS,
    )
