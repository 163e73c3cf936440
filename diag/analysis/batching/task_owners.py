"""In which event each task was enqueued."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batches import Tasks
from diag.analysis.batching.queue_keys import NO_OP
from diag.analysis.execution.async_ops import AsyncOps
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class TaskOwners:
    """The event that enqueued each task: a ``BatchingSessionRun`` or a ``BatchFunction`` call.

    Attributes:
        session_rows: Rows of all ``BatchingSessionRun`` events, ascending.
        session: (tasks,) position in ``session_rows``, or -1.
        call: (tasks,) position in ``AsyncOps``, or -1. At most one of the two is set.
    """

    session_rows: Int64s
    session: Int64s
    call: Int64s


def find_task_owners(events: EventTable, tasks: Tasks, ops: AsyncOps) -> TaskOwners:
    """Find the owners. A call inside a session's batch is the inner of the two and is the owner."""
    sessions = events.rows_named(ev.BATCHING_SESSION_RUN)
    calls = np.flatnonzero(ops.is_batch)
    call = innermost(events, ops.row[calls], tasks.row)
    call = np.where(call >= 0, calls[np.maximum(call, 0)] if len(calls) else -1, -1)
    session = np.where(call >= 0, -1, innermost(events, sessions, tasks.row))
    return TaskOwners(sessions, session, call)


def ops_of_tasks(owners: TaskOwners, ops: AsyncOps) -> Int64s:
    """(tasks,) node name of the ``BatchFunction`` that enqueued each task.

    The name is an index into ``EventTable.names``: -1 where the event has no name, ``NO_OP`` for a
    task that no ``BatchFunction`` enqueued.
    """
    if not len(ops):
        return np.full(len(owners.call), NO_OP, np.int64)
    return np.where(owners.call >= 0, ops.name[np.maximum(owners.call, 0)], NO_OP)
