"""Calls of in-graph batchers that no ``ProcessAsync`` event marks, by what they enqueued.

TensorFlow before 2.15 records no event of a BatchFunction op. What it enqueues lies in a burst of
the request on the same thread (tests/recordings/, TensorFlow 2.3 and 2.13).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.joins import earliest_after
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s
from diag.model.intervals import NEVER_NS


@dataclass(frozen=True, slots=True, eq=False)
class UnmarkedCalls:
    """The calls, in row order.

    Attributes:
        row: (n,) row of the outermost event of the scheduler around what was enqueued.
        step: (n,) root step.
        done_ns: (n,) when the results were there: the step went on, or the done callback of the
            batch's function had returned, whichever came first; -1 if the window cut this off.
    """

    row: Int64s
    step: Int64s
    done_ns: Int64s


def find_unmarked_calls(events: EventTable, steps: Steps) -> UnmarkedCalls:
    """Find enqueues inside bursts, but neither inside a marked op nor a ``BatchingSessionRun``."""
    task = events.rows_named(ev.SCHEDULE_OUTPUT_TASK, ev.ADAPTIVE_SCHEDULE)
    marks = events.rows_named(ev.PROCESS_ASYNC_START, ev.BATCHING_SESSION_RUN)
    task = task[innermost(events, marks, task) < 0]
    burst = innermost(events, steps.burst_row, task)
    task, burst = task[burst >= 0], burst[burst >= 0]
    schedules = events.rows_named(ev.SCHEDULE_WITHOUT_SPLIT, ev.SCHEDULE_WITH_EAGER_SPLIT)
    around = innermost(events, schedules, task)
    row = np.where(around >= 0, schedules[around], task) if len(schedules) else task
    call, first, of_task = np.unique(row, return_index=True, return_inverse=True)
    step = steps.burst_step[burst[first]] if len(call) else np.empty(0, np.int64)
    ended_ns, returned_ns = _batch_results(events, steps, task)
    latest = np.full((2, len(call)), -1, np.int64)
    np.maximum.at(latest[0], of_task, ended_ns)
    np.maximum.at(latest[1], of_task, returned_ns)
    cut = np.zeros(len(call), np.bool_)
    cut[of_task[ended_ns < 0]] = True
    at = events.start_ns[steps.burst_row]
    resumed = earliest_after(steps.burst_step, at, step, latest[0])
    resumed_ns = np.where(resumed >= 0, at[resumed], NEVER_NS) if len(at) else latest[1]
    done_ns = np.minimum(resumed_ns, latest[1])
    return UnmarkedCalls(call, step, np.where(cut, -1, done_ns))


def _batch_results(events: EventTable, steps: Steps, task: Int64s) -> tuple[Int64s, Int64s]:
    """When each task's batch had its results, and when it had handed them over; -1 if cut off.

    The results are there when the batch's function is done; its done callback hands them over.
    Without a recorded function both are the end of the batch.
    """
    batch = events.rows_named(ev.PROCESS_BATCH)
    run = np.flatnonzero(steps.is_function & steps.is_root & ~steps.is_orphan)
    run = run[np.argsort(steps.row[run], kind="stable")]
    of_run = innermost(events, batch, steps.row[run])
    ready = np.full(len(batch), -1, np.int64)
    np.maximum.at(ready, of_run[of_run >= 0], steps.end_ns[run[of_run >= 0]])
    end = events.end_ns[batch]
    ready = np.where(ready >= 0, np.minimum(ready, end), end)
    run, of_run = run[of_run >= 0], of_run[of_run >= 0]
    given = np.maximum(ready, _handed_over(events, steps, run, of_run, len(batch)))
    stat = events.stat
    pair = earliest_after(
        scheduler_keys(
            stat(ev.STAT_CONSUMER_ID).at(batch),
            stat(ev.STAT_CONSUMER_TYPE).at(batch, ev.CONTEXT_BATCH_SCHEDULER),
        ),
        events.start_ns[batch],
        scheduler_keys(
            stat(ev.STAT_PRODUCER_ID).at(task),
            stat(ev.STAT_PRODUCER_TYPE).at(task, ev.CONTEXT_BATCH_SCHEDULER),
        ),
        events.start_ns[task],
    )
    if not len(batch):
        return pair, pair
    return np.where(pair >= 0, ready[pair], -1), np.where(pair >= 0, given[pair], -1)


def scheduler_keys(batch_id: Int64s, context_type: Int64s) -> Int64s:
    """(n,) ids of batches, told apart by scheduler: the two count independently.

    Bits that no id uses keep them apart.
    """
    return batch_id ^ (context_type << 60)


def _handed_over(
    events: EventTable, steps: Steps, run: Int64s, of_run: Int64s, batches: int
) -> Int64s:
    """(batches,) end of the last done callback of each batch's functions, -1 without one."""
    done = events.rows_named(ev.EXECUTOR_DONE_CALLBACK)
    pair = earliest_after(
        events.stat(ev.STAT_CONSUMER_ID).at(done),
        events.start_ns[done],
        steps.key[run],
        steps.start_ns[run],
    )
    out = np.full(batches, -1, np.int64)
    np.maximum.at(out, of_run[pair >= 0], events.end_ns[done[pair[pair >= 0]]])
    return out
