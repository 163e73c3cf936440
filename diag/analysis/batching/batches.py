"""Batches, the tasks enqueued for them, and which task went into which batch.

A task's ``ScheduleOutputTask._p`` equals the ``_c`` of the ``ProcessBatch`` that took it
(shared_batch_scheduler.h, TensorFlow 2.21; sample_traces/).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from diag.analysis.execution.async_ops import AsyncOps
from diag.analysis.execution.steps import Steps
from diag.analysis.execution.unmarked_calls import scheduler_keys
from diag.analysis.intervals.joins import earliest_after, take_known
from diag.analysis.intervals.nesting import first_inside, innermost, last_inside
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """Batches whose ProcessBatch was recorded whole, in row order.

    Attributes:
        row: (n,) event row of ProcessBatch.
        id: (n,) int64 bits of the context id.
        kind: (n,) context type: 4 for the shared, 6 for the adaptive scheduler.
        start_ns: (n,) a thread took the batch from its queue.
        end_ns: (n,) the batch callback returned.
        rows: (n,) before padding; -1 unknown.
        padded_rows: (n,) as executed; -1 unknown.
        run_start_ns: (n,) begin of the nested run; at tracer level 1 the end of the merge.
        run_end_ns: (n,) end of the nested run; at tracer level 1 the first Done of a batch
            function, else the end of the batch.
        first_step: (n,) first nested root step, -1 at tracer level 1.
        last_step: (n,) last nested root step.
        run_step: (k,) every root step nested in a batch.
        run_batch: (k,) the batch it is nested in.
        has_run: (n,) whether a run is nested in it, of an executor or of TFRT.
        has_merge: (n,) whether its inputs were merged or concatenated.
        is_failed: (n,) whether a ``BatchingSession`` gave the batch up before its run.
        line: (n,) line index of the batch thread.
    """

    row: Int64s
    id: Int64s
    kind: Int64s
    start_ns: Int64s
    end_ns: Int64s
    rows: Int64s
    padded_rows: Int64s
    run_start_ns: Int64s
    run_end_ns: Int64s
    first_step: Int64s
    last_step: Int64s
    run_step: Int64s
    run_batch: Int64s
    has_run: Bools
    has_merge: Bools
    is_failed: Bools
    line: Int64s

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True, eq=False)
class Tasks:
    """Enqueued (sub)tasks, in row order.

    Attributes:
        row: (n,) event row.
        enqueue_ns: (n,) begin of ScheduleOutputTask.
        size: (n,) rows; -1 unknown.
        id: (n,) int64 bits of the batch id it was put into.
        kind: (n,) context type.
        batch: (n,) position in Batches, -1 if the batch was cut off or is ambiguous.
        is_split: (n,) whether the scheduler splits tasks.
        is_ambiguous: (n,) whether several batches of one id could have taken it.
    """

    row: Int64s
    enqueue_ns: Int64s
    size: Int64s
    id: Int64s
    kind: Int64s
    batch: Int64s
    is_split: Bools
    is_ambiguous: Bools

    def __len__(self) -> int:
        return len(self.row)


def find_batches(events: EventTable, steps: Steps) -> Batches:
    """Read the batches and the run inside each."""
    row = events.rows_named(ev.PROCESS_BATCH)
    n = len(row)
    merge = events.rows_named(ev.MERGE_INPUT_TENSORS, ev.CONCAT_INPUT_TENSORS)
    merge_of = innermost(events, row, merge)
    first_merge, last_merge = first_inside(merge_of, n), last_inside(merge_of, n)
    has_merge = first_merge >= 0
    padded = events.stat(ev.STAT_BATCH_SIZE_AFTER_PADDING).at(take_known(merge, first_merge))

    run_step = np.flatnonzero(~steps.is_orphan & steps.is_root)
    run_step = run_step[np.argsort(steps.row[run_step])]
    run_of = innermost(events, row, steps.row[run_step])
    first_run, last_run = first_inside(run_of, n), last_inside(run_of, n)
    has_step = first_run >= 0
    first_step = np.where(has_step, take_known(run_step, first_run), -1)
    last_step = np.where(has_step, take_known(run_step, last_run), -1)
    tfrt = events.rows_named(ev.TFRT_MODEL_RUN)
    has_run = has_step | (first_inside(innermost(events, row, tfrt), n) >= 0)

    start, end = events.start_ns[row], events.end_ns[row]
    merged = np.where(
        has_merge, events.end_ns[take_known(merge, last_merge)] if n else start, start
    )
    run_start = np.where(has_step, take_known(steps.start_ns, first_step), merged)
    run_end = np.where(has_step, take_known(steps.end_ns, last_step), end)
    kind = events.stat(ev.STAT_CONSUMER_TYPE).at(row, ev.CONTEXT_BATCH_SCHEDULER)
    return Batches(
        row=row,
        id=events.stat(ev.STAT_CONSUMER_ID).at(row),
        kind=kind,
        start_ns=start,
        end_ns=end,
        rows=events.stat(ev.STAT_BATCH_SIZE_BEFORE_PADDING).at(row),
        padded_rows=np.where(has_merge, padded, -1),
        run_start_ns=run_start,
        run_end_ns=np.maximum(run_end, run_start),
        first_step=first_step,
        last_step=last_step,
        run_step=run_step[run_of >= 0],
        run_batch=run_of[run_of >= 0],
        has_run=has_run,
        has_merge=has_merge,
        is_failed=np.zeros(n, np.bool_),
        line=events.line_index[row].astype(np.int64),
    )


def find_tasks(events: EventTable, batches: Batches) -> Tasks:
    """Read the tasks and link each to its batch, where one queue alone uses the batch's id."""
    row = events.rows_named(ev.SCHEDULE_OUTPUT_TASK, ev.ADAPTIVE_SCHEDULE)
    size = events.stat(ev.STAT_SIZE).at(row)
    whole = events.stat(ev.STAT_BATCHING_INPUT_TASK_SIZE).at(row)
    tasks = Tasks(
        row=row,
        enqueue_ns=events.start_ns[row],
        size=np.where(size >= 0, size, whole),
        id=events.stat(ev.STAT_PRODUCER_ID).at(row),
        kind=events.stat(ev.STAT_PRODUCER_TYPE).at(row, ev.CONTEXT_BATCH_SCHEDULER),
        batch=np.full(len(row), -1, np.int64),
        is_split=innermost(events, events.rows_named(ev.SCHEDULE_WITH_EAGER_SPLIT), row) >= 0,
        is_ambiguous=np.zeros(len(row), np.bool_),
    )
    batch = earliest_after(
        scheduler_keys(batches.id, batches.kind),
        batches.start_ns,
        scheduler_keys(tasks.id, tasks.kind),
        tasks.enqueue_ns,
    )
    batch[(tasks.id == 0) & (tasks.kind == ev.CONTEXT_BATCH_SCHEDULER)] = -1
    return replace(tasks, batch=batch)


def find_failed_batches(
    batches: Batches, tasks: Tasks, session_of_task: Int64s, *, shows_runs: bool, has_runs: bool
) -> Batches:
    """Mark the batches of a ``BatchingSession`` that ended without a run.

    Other runtimes may leave no event of a run. So a batch of a session must show one, or the trace
    has no run at all.

    Args:
        batches: All batches.
        tasks: All tasks.
        session_of_task: (tasks,) the ``BatchingSessionRun`` that enqueued each task, or -1.
        shows_runs: Whether the trace would show a run: it does from tracer level 2 on.
        has_runs: Whether the trace has any run, in a batch or not.
    """
    of_session = np.zeros(len(batches), np.bool_)
    of_session[tasks.batch[(tasks.batch >= 0) & (session_of_task >= 0)]] = True
    shows_runs &= bool(batches.has_run[of_session].any()) or not has_runs
    return replace(batches, is_failed=of_session & ~batches.has_run & shows_runs)


def finish_function_batches(
    batches: Batches, tasks: Tasks, ops: AsyncOps, op_of_task: Int64s
) -> Batches:
    """At tracer level 1, end a batch function's run at the first Done of its members.

    ``ProcessBatch`` stays open until the callbacks of all members have run. Without a FunctionRun
    event, the first callback is the best mark of the function's end.
    """
    linked = (tasks.batch >= 0) & (op_of_task >= 0)
    linked[linked] = ops.done_ns[op_of_task[linked]] >= 0
    first_done = np.full(len(batches), np.iinfo(np.int64).max)
    np.minimum.at(first_done, tasks.batch[linked], ops.done_ns[op_of_task[linked]])
    coarse = (batches.first_step < 0) & (first_done < batches.run_end_ns)
    end = np.where(coarse, np.maximum(first_done, batches.run_start_ns), batches.run_end_ns)
    return replace(batches, run_end_ns=end)
