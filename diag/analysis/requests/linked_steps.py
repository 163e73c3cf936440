"""Steps, batches and tasks linked to each other, with the stages of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.batching import Batching
from diag.analysis.batching.queues import QueueState
from diag.analysis.batching.task_owners import TaskOwners
from diag.analysis.execution.async_ops import AsyncOps
from diag.analysis.execution.execution import Execution
from diag.analysis.execution.step_stages import StepStages
from diag.analysis.execution.steps import Steps
from diag.analysis.requests.batcher_visits import (
    BatcherVisits,
    find_visits,
    run_stages,
    stage_visits,
)
from diag.model.serving import Stage


@dataclass(frozen=True, slots=True, eq=False)
class LinkedSteps:
    """Everything that the rows of the request table are made of.

    Attributes:
        steps: All steps.
        ops: Asynchronous ops.
        batches: All batches.
        tasks: All tasks.
        queues: Parameters and state of the queues.
        task_owners: The event that enqueued each task.
        calls: Visits of the asynchronous ops to in-graph batchers, one for each op.
        step_stage_ns: (steps, len(STAGES)) stages of each step, its calls included.
        run_stage_ns: (batches, len(STAGES)) stages of each batch's run.
    """

    steps: Steps
    ops: AsyncOps
    batches: Batches
    tasks: Tasks
    queues: QueueState
    task_owners: TaskOwners
    calls: BatcherVisits
    step_stage_ns: NDArray[np.int64]
    run_stage_ns: NDArray[np.int64]


def link_steps(execution: Execution, batching: Batching) -> LinkedSteps:
    """Account for the calls into in-graph batchers, then for the steps around them."""
    steps, ops, staged = execution.steps, execution.ops, execution.staged
    batches, tasks, queues = batching.batches, batching.tasks, batching.queues
    end = np.where(ops.done_ns >= 0, ops.done_ns, ops.start_ns)
    calls = find_visits(ops.start_ns, end, batching.task_owners.call, tasks, batches)
    run_stage_ns = run_stages(batches, staged.stage_ns)
    call_stage_ns = stage_visits(calls, tasks, batches, queues, run_stage_ns)
    step_stage_ns = _add_calls(staged, steps, ops, call_stage_ns)
    return LinkedSteps(
        steps=steps,
        ops=ops,
        batches=batches,
        tasks=tasks,
        queues=queues,
        task_owners=batching.task_owners,
        calls=calls,
        step_stage_ns=step_stage_ns,
        run_stage_ns=run_stages(batches, step_stage_ns),
    )


def _add_calls(
    staged: StepStages, steps: Steps, ops: AsyncOps, call_stage_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(steps, len(STAGES)) stages of steps with their batch calls, adding up to each step.

    Of calls that overlap, the one that ends last counts: it decides when the step went on. The time
    before that call began, while only the other calls were queued, is unattributed.
    """
    out: NDArray[np.int64] = staged.stage_ns.copy()
    call = staged.parts.calls
    np.add.at(out, ops.step[call], call_stage_ns[call])
    rest = np.where(steps.is_root, steps.end_ns - steps.start_ns - out.sum(axis=1), 0)
    excess = rest < 0  # a call that reaches beyond its step
    out[excess] = staged.stage_ns[excess]
    rest[excess] = (steps.end_ns - steps.start_ns - out.sum(axis=1))[excess]
    out[:, Stage.UNATTRIBUTED.index] += rest
    return out
