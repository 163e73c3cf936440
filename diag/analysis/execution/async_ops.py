"""Asynchronous ops: started on one thread, finished by a callback on another.

``ExecutorState::ProcessAsync::Start`` and ``::Done`` mark them from TensorFlow 2.15 on. In earlier
traces the calls of in-graph batchers are found by what they enqueued (``unmarked_calls.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from diag.analysis.execution.steps import Steps
from diag.analysis.execution.unmarked_calls import find_unmarked_calls
from diag.analysis.intervals.joins import earliest_after
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class AsyncOps:
    """Asynchronous ops in row order.

    Attributes:
        start_ns: (n,) begin of ``ProcessAsync::Start``; of a call without one, of its enqueue.
        done_ns: (n,) begin of the matching ``::Done``, in which outputs are set; of a call without
            one, when its batch's function had returned to it; -1 if cut off.
        end_ns: (n,) end of ``::Done``; -1 if cut off.
        row: (n,) row of the start event; of a call without one, of the event that enqueued.
        step: (n,) root step it belongs to, -1 if none was recorded.
        is_batch: (n,) whether it is a BatchFunction.
        kernel: (n,) index of the op type in ``EventTable.names``, -1 if absent.
        name: (n,) index of the node name in ``EventTable.names``, -1 if absent.
    """

    start_ns: Int64s
    done_ns: Int64s
    end_ns: Int64s
    row: Int64s
    step: Int64s
    is_batch: Bools
    kernel: Int64s
    name: Int64s

    def __len__(self) -> int:
        return len(self.row)


def find_async_ops(events: EventTable, steps: Steps) -> AsyncOps:
    """Find all asynchronous ops, and when each was done."""
    marked, unmarked = _marked(events, steps), _unmarked(events, steps)
    if not len(unmarked):
        return marked
    both = (marked, unmarked)
    columns = {
        f.name: np.concatenate([getattr(ops, f.name) for ops in both]) for f in fields(marked)
    }
    order = np.argsort(columns["row"], kind="stable")
    return AsyncOps(**{name: column[order] for name, column in columns.items()})


def _marked(events: EventTable, steps: Steps) -> AsyncOps:
    """Pair the start and the done of every op that has both events."""
    start = events.rows_named(ev.PROCESS_ASYNC_START)
    done = events.rows_named(ev.PROCESS_ASYNC_DONE)
    start_ns = events.start_ns[start]
    pair = earliest_after(
        events.stat(ev.STAT_CONSUMER_ID).at(done),
        events.start_ns[done],
        events.stat(ev.STAT_PRODUCER_ID).at(start),
        start_ns,
    )
    paired = pair >= 0
    seen = done[np.maximum(pair, 0)] if len(done) else np.zeros(len(start), np.int64)
    around = innermost(events, steps.burst_row, start)
    if len(steps.burst_row):
        step = np.where(around >= 0, steps.burst_step[np.maximum(around, 0)], -1)
    else:
        step = np.full(len(start), -1, np.int64)
    kernel = events.stat(ev.STAT_KERNEL_TYPE).at(start)
    is_named = ev.BATCH_FUNCTION in events.names
    batch_kernel = events.names.index(ev.BATCH_FUNCTION) if is_named else -2
    return AsyncOps(
        start_ns=start_ns,
        done_ns=np.where(paired, events.start_ns[seen], -1) if len(events) else start_ns,
        end_ns=np.where(paired, events.end_ns[seen], -1) if len(events) else start_ns,
        row=start,
        step=step,
        is_batch=kernel == batch_kernel,
        kernel=kernel,
        name=events.stat(ev.STAT_NAME).at(start),
    )


def _unmarked(events: EventTable, steps: Steps) -> AsyncOps:
    calls = find_unmarked_calls(events, steps)
    unknown = np.full(len(calls.row), -1, np.int64)
    return AsyncOps(
        start_ns=events.start_ns[calls.row],
        done_ns=calls.done_ns,
        end_ns=calls.done_ns,
        row=calls.row,
        step=calls.step,
        is_batch=np.ones(len(calls.row), np.bool_),
        kernel=unknown,
        name=unknown,
    )
