"""Visits to a batcher: from a request's enqueue to its batch's result.

::

    begin   enqueue      ready        taken        run begins      run ends       end
      |schedule|queue-fill |thread/dispatch|batch-formation| the run's own stages |batch-split|

A visit is a BatchingSessionRun, or a BatchFunction op from Start to Done. A visit with several
(sub)tasks follows its critical task: the one whose batch finishes last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.queues import QueueState
from diag.analysis.intervals.sets import covered_between
from diag.model.events import Bools, Int64s
from diag.model.serving import STAGES, Stage


@dataclass(frozen=True, slots=True, eq=False)
class BatcherVisits:
    """Visits and the task that decides when each ends.

    Attributes:
        start_ns: (n,).
        end_ns: (n,).
        task: (n,) position in Tasks of the critical task; a task whose batch the window cut off
            is critical before all others; -1 if nothing was enqueued.
        is_linked: (n,) whether the batch of every task was recorded.
        rows: (n,) rows enqueued; -1 unknown.
    """

    start_ns: Int64s
    end_ns: Int64s
    task: Int64s
    is_linked: Bools
    rows: Int64s

    def __len__(self) -> int:
        return len(self.start_ns)


def find_visits(
    start_ns: Int64s, end_ns: Int64s, of_task: Int64s, tasks: Tasks, batches: Batches
) -> BatcherVisits:
    """Find the critical task of each visit.

    Args:
        start_ns: (n,) begin of each visit.
        end_ns: (n,) its end.
        of_task: (tasks,) the visit in which each task was enqueued, or -1.
        tasks: All tasks.
        batches: All batches.
    """
    n = len(start_ns)
    held = np.flatnonzero(of_task >= 0)
    linked = tasks.batch[held] >= 0
    finish = np.full(len(held), np.iinfo(np.int64).max)  # a batch that was cut off counts as last
    finish[linked] = batches.run_end_ns[tasks.batch[held][linked]]
    order = np.lexsort((held, finish, of_task[held]))
    task = np.full(n, -1, np.int64)
    task[of_task[held][order]] = held[order]  # the last write to a visit remains: its latest finish
    cut_off = np.bincount(of_task[held][~linked], minlength=n)
    count = np.bincount(of_task[held], minlength=n)
    unknown = np.bincount(of_task[held][tasks.size[held] < 0], minlength=n)
    rows = np.zeros(n, np.int64)
    np.add.at(rows, of_task[held], tasks.size[held])
    return BatcherVisits(
        start_ns=start_ns,
        end_ns=end_ns,
        task=task,
        is_linked=(count > 0) & (cut_off == 0),
        rows=np.where((count > 0) & (unknown == 0), rows, -1),
    )


def run_stages(batches: Batches, step_stage_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """(batches, len(STAGES)) stages of each batch's run, adding up to its length.

    Without a recorded step (tracer level 1) the whole run is compute. A batch that failed before
    its run has none: that time is unattributed.

    Args:
        batches: All batches.
        step_stage_ns: (steps, len(STAGES)) stages of each step.
    """
    out = np.zeros((len(batches), len(STAGES)), np.int64)
    np.add.at(out, batches.run_batch, step_stage_ns[batches.run_step])
    length = batches.run_end_ns - batches.run_start_ns
    coarse = (batches.first_step < 0) & ~batches.is_failed
    out[coarse, Stage.COMPUTE.index] = length[coarse]
    rest = length - out.sum(axis=1)
    is_excess = rest < 0  # its steps are longer than the run
    out[is_excess] = 0
    out[:, Stage.UNATTRIBUTED.index] += np.where(is_excess, length, rest)
    return out


def preprocess_of_runs(batches: Batches, run_stage_ns: NDArray[np.int64]) -> Int64s:
    """(batches,) preprocessing inside each batch's run; -1 where the run shows no step."""
    return np.where(batches.first_step >= 0, run_stage_ns[:, Stage.PREPROCESS.index], -1)


def stage_visits(
    visits: BatcherVisits,
    tasks: Tasks,
    batches: Batches,
    queues: QueueState,
    run_stage_ns: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(n, len(STAGES)) time of each visit by stage, adding up to its length exactly."""
    out = np.zeros((len(visits), len(STAGES)), np.int64)
    length = np.maximum(visits.end_ns - visits.start_ns, 0)
    has_task = visits.task >= 0
    task = np.maximum(visits.task, 0)
    if not has_task.any():
        out[:, Stage.UNATTRIBUTED.index] = length
        return out
    begin, end = visits.start_ns, np.maximum(visits.start_ns, visits.end_ns)
    enqueue = np.clip(tasks.enqueue_ns[task], begin, end)
    linked = has_task & (tasks.batch[task] >= 0)
    out[has_task, Stage.SCHEDULE.index] = (enqueue - begin)[has_task]
    # Of a visit whose batch was cut off, no later edge is known.
    out[~linked, Stage.UNATTRIBUTED.index] = (length - out[:, Stage.SCHEDULE.index])[~linked]
    if not linked.any():
        return out

    row = np.flatnonzero(linked)
    batch, group = tasks.batch[task[row]], queues.arrivals.group[task[row]]
    begin, end, enqueue = begin[row], end[row], enqueue[row]
    edges = [
        queues.readiness.ready_ns[group],
        batches.start_ns[batch],
        batches.run_start_ns[batch],
        batches.run_end_ns[batch],
    ]
    ready, taken, run_start, run_end = _in_order(enqueue, edges, end)
    out[row, Stage.QUEUE_FILL.index] = ready - enqueue
    busy = np.zeros(len(row), np.int64)
    pool = queues.pool_of_queue[queues.arrivals.queue[group]]
    for i, each in enumerate(queues.pools):
        mine = pool == i
        busy[mine] = covered_between(each.all_busy, ready[mine], taken[mine])
    out[row, Stage.QUEUE_THREAD.index] = busy
    out[row, Stage.QUEUE_DISPATCH.index] = taken - ready - busy
    out[row, Stage.BATCH_FORMATION.index] = run_start - taken
    run, span = run_stage_ns[batch], run_end - run_start
    whole = run.sum(axis=1) == span
    out[row] += np.where(whole[:, None], run, 0)
    # A batch may end after the visit, as its members are notified before. A run that is known only
    # as a whole is then cut. The stages of a run cannot be cut, as their order is not known here.
    coarse = batches.first_step[batch] < 0
    for stage, cut in ((Stage.COMPUTE, ~whole & coarse), (Stage.UNATTRIBUTED, ~whole & ~coarse)):
        out[row[cut], stage.index] += span[cut]
    out[row, Stage.BATCH_SPLIT.index] += end - run_end
    return out


def _in_order(low: Int64s, edges: list[Int64s], high: Int64s) -> list[Int64s]:
    """The edges, each limited to at least the edge before it and at most ``high``."""
    out = []
    for edge in edges:
        low = np.minimum(np.maximum(low, edge), high)
        out.append(low)
    return out
