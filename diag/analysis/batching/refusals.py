"""Tasks that a batch queue refused although it takes tasks of that size.

Such a call of the scheduler enqueues nothing: the queue held ``max_enqueued_batches`` already
(shared_batch_scheduler.h, Queue::Schedule, TensorFlow 2.21; tests/recordings/live/).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.batching.batches import Tasks
from diag.analysis.batching.queueing import Arrivals
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class Refusals:
    """Refused tasks, in row order.

    Attributes:
        at_ns: (n,) begin of the call.
        rows: (n,) rows of the task.
    """

    at_ns: Int64s
    rows: Int64s

    def __len__(self) -> int:
        return len(self.at_ns)


def find_refusals(events: EventTable, tasks: Tasks) -> Refusals:
    """The calls that enqueued nothing, of tasks no larger than the largest that was enqueued."""
    call = events.rows_named(*ev.SCHEDULE_CALLS)
    has_task = np.zeros(len(call), np.bool_)
    of_task = innermost(events, call, tasks.row)
    has_task[of_task[of_task >= 0]] = True
    has_task |= np.isin(call, tasks.row)  # the adaptive scheduler's call is the enqueue
    size = events.stat(ev.STAT_BATCHING_INPUT_TASK_SIZE).at(call)
    accepted = max(size[has_task].max(initial=0), tasks.size.max(initial=0))
    refused = ~has_task & (size > 0) & (size <= accepted)
    return Refusals(events.start_ns[call[refused]], size[refused])


def most_when_refusing(refusals: Refusals, arrivals: Arrivals, queue: int) -> int:
    """Most batches that were in the queue as it refused a task; 0 if it refused none.

    The open batch counts even while it is empty, and so does each that a refused task needs for
    itself: at most one for each of its rows in the largest batch.
    """
    if not len(refusals):
        return 0
    mine = arrivals.queue == queue
    enqueued, taken = np.sort(arrivals.first_ns[mine]), np.sort(arrivals.taken_ns[mine])
    # A batch without a recorded enqueue may have been there all the time until it was taken.
    unseen = np.sort(arrivals.taken_ns[mine & (arrivals.last_ns < 0)])
    since = np.searchsorted(enqueued, refusals.at_ns, side="right") + len(unseen)
    inside = since - np.searchsorted(taken, refusals.at_ns, side="right")
    largest = max(1, int(arrivals.rows[mine].max(initial=1)))
    needed = -(-refusals.rows // largest)
    return int((np.maximum(inside, 0) + needed).max())
