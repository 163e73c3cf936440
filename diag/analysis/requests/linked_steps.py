"""The account of every step: its own stages and those of its calls into in-graph batchers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.queue_keys import NO_OP
from diag.analysis.batching.queues import QueueState
from diag.analysis.execution.step_stages import StepStages
from diag.analysis.execution.steps import AsyncOps, Steps
from diag.analysis.requests.batcher_visits import (
    BatcherVisits,
    find_visits,
    run_stages,
    stage_visits,
)
from diag.analysis.requests.roots import TaskOwners
from diag.model.events import Int64s
from diag.model.serving import Stage


@dataclass(frozen=True, slots=True)
class LinkedSteps:
    """All that assembling needs.

    Attributes:
        steps: All steps.
        ops: Asynchronous ops.
        batches: All batches.
        tasks: All tasks.
        queues: Queue state.
        task_owners: Where tasks were enqueued.
        calls: BatcherVisits of the asynchronous ops.
        step_stage_ns: Stages of steps including calls.
    """

    steps: Steps
    ops: AsyncOps
    batches: Batches
    tasks: Tasks
    queues: QueueState
    task_owners: TaskOwners
    calls: BatcherVisits
    step_stage_ns: NDArray[np.int64]


def ops_of_tasks(task_owners: TaskOwners, ops: AsyncOps) -> Int64s:
    """(tasks,) index of the node name of the BatchFunction that enqueued each task.

    -1 where it bears no name, NO_OP for a task that no BatchFunction enqueued.
    """
    if not len(ops):
        return np.full(len(task_owners.call), NO_OP, np.int64)
    return np.where(task_owners.call >= 0, ops.name[np.maximum(task_owners.call, 0)], NO_OP)


def link_steps(
    steps: Steps,
    ops: AsyncOps,
    batches: Batches,
    tasks: Tasks,
    queues: QueueState,
    task_owners: TaskOwners,
    staged: StepStages,
) -> LinkedSteps:
    """Account for the calls into in-graph batchers, then for the steps around them."""
    end = np.where(ops.done_ns >= 0, ops.done_ns, ops.start_ns)
    calls = find_visits(ops.start_ns, end, task_owners.call, tasks, batches)
    run = run_stages(batches, staged.stage_ns)
    call_stage_ns = stage_visits(calls, tasks, batches, queues, run)
    step_stage_ns = _add_calls(staged, steps, ops, call_stage_ns)
    return LinkedSteps(steps, ops, batches, tasks, queues, task_owners, calls, step_stage_ns)


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
