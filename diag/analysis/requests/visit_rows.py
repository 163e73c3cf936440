"""Rows of requests that are one visit to a batcher, and which of their stages are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diag.analysis.requests.batcher_visits import BatcherVisits, stage_visits
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.analysis.requests.rows import Rows
from diag.model.events import Bools, Int64s
from diag.model.serving import STAGES, Mode, Stage

# Tracer level 1 has no step events: what a run spent on these is part of its compute.
_INSIDE_RUNS = (
    Stage.PREPROCESS,
    Stage.QUEUE_EXECUTOR,
    Stage.TRANSFER_IN,
    Stage.LAUNCH,
    Stage.DEVICE_WAIT,
    Stage.TRANSFER_OUT,
    Stage.POSTPROCESS,
)


def visit_rows(
    linked: LinkedSteps,
    visits: BatcherVisits,
    *,
    mode: Mode,
    link: str,
    model: Int64s,
    root: Int64s,
    of_task: Int64s,
) -> Rows:
    """Rows of requests that consist of one visit each.

    Args:
        linked: All steps, batches and tasks.
        visits: (n,) the visits.
        mode: How the requests reached their model.
        link: By what evidence they were linked to their batch.
        model: (n,) index of each model's label.
        root: (n,) event row of each root.
        of_task: (tasks,) the visit in which each task was enqueued, or -1.
    """
    n = len(visits)
    stage_ns = stage_visits(
        visits, linked.tasks, linked.batches, linked.queues, linked.run_stage_ns
    )
    return Rows(
        mode=mode,
        start_ns=visits.start_ns,
        end_ns=visits.end_ns,
        rows=visits.rows,
        model=model,
        complete=visits.is_linked & ~_failed_visits(linked, of_task, n),
        link=np.zeros(n, np.int64),
        links=(link,),
        stage_ns=stage_ns,
        stage_known=known_stages(linked, visits.task, stage_ns, is_linked=visits.is_linked),
        root=root,
        step=np.full(n, -1, np.int64),
        of_task=of_task,
    )


def _failed_visits(linked: LinkedSteps, of_task: Int64s, visits: int) -> Bools:
    """(visits,) whether a batch of the visit failed before its run."""
    batch = linked.tasks.batch
    failed = (of_task >= 0) & (batch >= 0)
    failed[failed] = linked.batches.is_failed[batch[failed]]
    out = np.zeros(visits, np.bool_)
    out[of_task[failed]] = True
    return out


def queues_of_tasks(linked: LinkedSteps, task: Int64s) -> Int64s:
    """(n,) queue of each task, -1 for the task -1."""
    return np.append(linked.queues.keys.of_task, -1)[task]


def known_stages(
    linked: LinkedSteps, task: Int64s, stage_ns: NDArray[np.int64], *, is_linked: Bools
) -> NDArray[np.bool_]:
    """(n, len(STAGES)) False where a stage applies but no event bounds it.

    A stage with time was measured, and is known also where a later link is missing.

    Args:
        linked: All steps, batches and tasks.
        task: (n,) the task that decides when each request went on, or -1.
        stage_ns: (n, len(STAGES)).
        is_linked: (n,) whether the batch of every task of the request was recorded.
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
    # A run without a step is taken to end with its batch, so that more than the split follows it.
    known[coarse, Stage.BATCH_SPLIT.index] = False
    return known
