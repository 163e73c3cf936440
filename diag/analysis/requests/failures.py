"""Which requests of a batcher failed, and how far each of them came."""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals.nesting import innermost
from diag.analysis.requests.kinds.batch_function import refused_calls
from diag.analysis.requests.kinds.batching_session import first_runs_inside
from diag.analysis.requests.kinds.kind import KindInputs
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, Int64s
from diag.model.failures import Failures


def find_failures(inputs: KindInputs) -> Failures:
    """Count them by the last step on their way that the trace shows."""
    linked = inputs.linked
    owners, tasks, batches = linked.task_owners, linked.tasks, linked.batches
    sessions = owners.session_rows
    owned = owners.session >= 0
    enqueued = np.zeros(len(sessions), np.bool_)
    enqueued[owners.session[owned]] = True
    is_refused = ~enqueued & (first_runs_inside(inputs) < 0)
    is_refused &= ~np.isin(owners.session_rows, inputs.execution.calls.warm_ups)

    call = inputs.events.rows_named(*ev.SCHEDULE_CALLS)
    session_of_call = innermost(inputs.events, sessions, call)
    inside = session_of_call >= 0
    size = inputs.events.stat(ev.STAT_BATCHING_INPUT_TASK_SIZE).at(call)
    rows = np.full(len(sessions), -1, np.int64)
    rows[session_of_call[inside]] = size[inside]
    at_ns = inputs.events.start_ns[sessions]
    at_ns[session_of_call[inside]] = inputs.events.start_ns[call[inside]]
    was_called = np.zeros(len(sessions), np.bool_)
    was_called[session_of_call[inside]] = True
    # Other versions may not record the calls, or name them differently: then a missing call says
    # nothing.
    shows_calls = len(call) > 0 and bool(was_called[enqueued].all())
    uncalled = sessions[is_refused & ~was_called]
    is_refused &= was_called

    in_failed = owned & (tasks.batch >= 0)
    in_failed[in_failed] = batches.is_failed[tasks.batch[in_failed]]
    is_failed = np.zeros(len(sessions), np.bool_)
    is_failed[owners.session[in_failed]] = True
    in_merged = in_failed.copy()
    in_merged[in_failed] = batches.has_merge[tasks.batch[in_failed]]
    is_unmerged = np.zeros(len(sessions), np.bool_)
    is_unmerged[owners.session[in_merged]] = True
    call_rows, refused_call = _rows_of_calls(inputs), refused_calls(inputs)
    refused_ns = np.concatenate(
        (at_ns[is_refused], inputs.events.start_ns[linked.ops.row[refused_call]])
    )
    start_ns, end_ns = inputs.events.start_ns, inputs.events.end_ns
    refused_rows = (sessions[is_refused], linked.ops.row[refused_call])
    accepted_call = np.unique(owners.call[owners.call >= 0])
    accepted_rows = np.concatenate((rows[enqueued], call_rows[accepted_call]))
    return Failures(
        unscheduled=len(uncalled) if shows_calls else 0,
        early=0 if shows_calls else len(uncalled),
        uncalled_start_ns=start_ns[uncalled],
        uncalled_end_ns=end_ns[uncalled],
        refused_rows=np.concatenate((rows[is_refused], call_rows[refused_call])),
        refused_start_ns=start_ns[np.concatenate(refused_rows)],
        refused_end_ns=np.concatenate((end_ns[refused_rows[0]], linked.ops.done_ns[refused_call])),
        refused_while_waiting=_is_any_waiting(inputs, refused_ns),
        accepted_rows=int(accepted_rows.max(initial=-1)),
        unmerged=int(is_unmerged.sum()),
        expired=int((is_failed & ~is_unmerged).sum()),
    )


def _is_any_waiting(inputs: KindInputs, at_ns: Int64s) -> Bools:
    """(n,) whether a task waited in some queue at each time; one without a batch waits on."""
    tasks, batches = inputs.linked.tasks, inputs.linked.batches
    enqueued = np.sort(tasks.enqueue_ns)
    taken = np.sort(batches.start_ns[tasks.batch[tasks.batch >= 0]])
    waiting = np.searchsorted(enqueued, at_ns, side="right")
    return np.asarray(waiting > np.searchsorted(taken, at_ns, side="right"), np.bool_)


def _rows_of_calls(inputs: KindInputs) -> Int64s:
    """(ops,) rows that each call of ``BatchFunction`` wanted to enqueue, -1 where none are told."""
    ops, schedule = inputs.linked.ops, inputs.events.rows_named(*ev.SCHEDULE_CALLS)
    calls = np.flatnonzero(ops.is_batch)
    call = innermost(inputs.events, ops.row[calls], schedule)
    rows = np.full(len(ops), -1, np.int64)
    size = inputs.events.stat(ev.STAT_BATCHING_INPUT_TASK_SIZE).at(schedule)
    rows[calls[call[call >= 0]]] = size[call >= 0]
    return rows
