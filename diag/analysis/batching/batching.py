"""Batches, the tasks in them and the queues they waited in."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.batching.batch_threads import held_spans
from diag.analysis.batching.batches import (
    Batches,
    Tasks,
    find_batches,
    find_failed_batches,
    find_tasks,
    finish_function_batches,
)
from diag.analysis.batching.queue_keys import find_queues
from diag.analysis.batching.queues import QueueState, describe_queues
from diag.analysis.batching.refusals import find_refusals
from diag.analysis.batching.shared_ids import link_shared_ids
from diag.analysis.batching.task_owners import TaskOwners, find_task_owners, ops_of_tasks
from diag.analysis.execution.execution import Execution
from diag.analysis.tracer_level import tracer_level
from diag.model.availability import Unavailable
from diag.model.capture import Capture


@dataclass(frozen=True, slots=True, eq=False)
class Batching:
    """What the batch schedulers did in the window.

    Attributes:
        batches: Batches whose processing was recorded whole.
        tasks: Enqueued tasks.
        task_owners: The event that enqueued each task.
        queues: Parameters and state of each queue.
    """

    batches: Batches
    tasks: Tasks
    task_owners: TaskOwners
    queues: QueueState


def find_batching(capture: Capture, execution: Execution) -> Batching:
    """Read batches and tasks, and apply the scheduler's rules to their queues.

    Raises:
        InputError: There are more queues or batch threads than any server has.
    """
    events, steps, ops = execution.events, execution.steps, execution.ops
    batches = find_batches(events, steps)
    tasks = link_shared_ids(find_tasks(events, batches), batches)
    owners = find_task_owners(events, tasks, ops)
    batches = finish_function_batches(batches, tasks, ops, owners.call)
    level = tracer_level(events, capture.tracer_level)
    shows_runs = isinstance(level, int) and level > 1
    batches = find_failed_batches(
        batches, tasks, owners.session, shows_runs=shows_runs, has_runs=len(steps) > 0
    )
    parameters = capture.batching_parameters
    queues = describe_queues(
        find_queues(batches, tasks, ops_of_tasks(owners, ops), events.names),
        batches,
        tasks,
        held_spans(events, batches, capture.window),
        capture.window,
        None if isinstance(parameters, Unavailable) else parameters,
        capture.metrics,
        find_refusals(events, tasks),
    )
    return Batching(batches, tasks, owners, queues)
