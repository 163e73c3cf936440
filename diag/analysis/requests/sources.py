"""From a row of the request table back to the event, the step and the tasks behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.requests.linked_steps import LinkedSteps
from diag.analysis.requests.roots import Roots
from diag.model.events import EventTable, Int64s


@dataclass(frozen=True, slots=True)
class RequestSources:
    """Where each request, in the order of the request table, comes from.

    Attributes:
        row: (n,) event row of its root.
        step: (n,) root step that is the request, or that a bypassing session ran; -1 if none.
        of_task: (tasks,) the request that enqueued each task, -1 for one that the window cut.
    """

    row: Int64s
    step: Int64s
    of_task: Int64s


def find_sources(events: EventTable, roots: Roots, linked: LinkedSteps) -> RequestSources:
    """Order the roots as the request table does (``request_rows.concatenate``)."""
    steps, ops, task_owners = linked.steps, linked.ops, linked.task_owners
    sessions, bypassing, own, calls = (
        roots.session_runs,
        roots.bypassing,
        roots.steps,
        roots.calls,
    )
    row = np.concatenate((sessions, bypassing, steps.row[own], ops.row[calls]))
    none = np.full(len(sessions), -1, np.int64)
    no_call = np.full(len(calls), -1, np.int64)
    step = np.concatenate((none, roots.bypassing_step, own, no_call))
    start = np.concatenate(
        (
            events.start_ns[sessions],
            events.start_ns[bypassing],
            steps.start_ns[own],
            ops.start_ns[calls],
        )
    )
    end = np.concatenate(
        (events.end_ns[sessions], events.end_ns[bypassing], steps.end_ns[own], ops.end_ns[calls])
    )
    order = np.lexsort((end, start))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    base = np.cumsum([0, len(sessions), len(bypassing), len(own)])

    of_session = _numbered(len(task_owners.session_rows))
    of_session[np.searchsorted(task_owners.session_rows, sessions)] = rank[: base[1]]
    of_step = _numbered(len(steps))
    of_step[own] = rank[base[2] : base[3]]
    of_call = _numbered(len(ops))
    has_step = np.flatnonzero(ops.step >= 0)
    of_call[has_step] = of_step[ops.step[has_step]]
    of_call[calls] = rank[base[3] :]
    of_task = np.where(
        task_owners.session >= 0,
        of_session[task_owners.session],
        np.where(task_owners.call >= 0, of_call[task_owners.call], -1),
    )
    return RequestSources(row[order], step[order], of_task)


def _numbered(n: int) -> Int64s:
    """Room for ``n`` numbers, -1 each, and one more, which the index -1 finds."""
    return np.full(n + 1, -1, np.int64)
