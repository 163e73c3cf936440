"""The state of one request at one instant: its stage, since when, and on which thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import is_covered
from diag.model.intervals import NEVER_NS
from diag.model.serving import STAGES, Stage


@dataclass(frozen=True, slots=True)
class RequestState:
    """The state of a request.

    Attributes:
        stage: Name of the stage, or ``open`` where no event shows what the step does.
        since_ns: When the state began.
        thread: Name of the thread with the event that shows it, "" if there is none.
    """

    stage: str
    since_ns: int
    thread: str


class RequestStateLookup:
    """Looks up the state of single requests; too slow for whole columns."""

    def __init__(self, inputs: IdleInputs) -> None:
        self._inputs = inputs
        self._tasks_by_request = np.argsort(inputs.requests.sources.of_task, kind="stable")
        self._request_of_task = inputs.requests.sources.of_task[self._tasks_by_request]

    def of_request(self, request: int, at_ns: int) -> RequestState | None:
        """State of a row of the request table; None where the trace does not show it."""
        sources = self._inputs.requests.sources
        step = int(sources.step[request])
        if step >= 0:
            found = self._in_step(step, at_ns)
            if found is not None:
                return found
        low, high = np.searchsorted(self._request_of_task, [request, request + 1])
        tasks = self._tasks_by_request[low:high].tolist()
        found = self.of_tasks(tasks, at_ns)
        if found is None and tasks:
            began = int(self._inputs.requests.table.start_ns[request])
            return RequestState(Stage.SCHEDULE.value, began, self.thread_of(request))
        return found

    def of_tasks(self, tasks: list[int], at_ns: int) -> RequestState | None:
        """State of the task enqueued last, of those enqueued by then."""
        enqueued = self._inputs.requests.linked.tasks.enqueue_ns
        begun = [task for task in tasks if enqueued[task] <= at_ns]
        if not begun:
            return None
        return self._in_batcher(max(begun, key=lambda task: int(enqueued[task])), at_ns)

    def thread_of(self, request: int) -> str:
        """The thread of a request's root event, "" for the request -1."""
        return (
            self._thread(int(self._inputs.requests.sources.root[request])) if request >= 0 else ""
        )

    def _in_batcher(self, task: int, at_ns: int) -> RequestState:
        tasks, queues = self._inputs.requests.linked.tasks, self._inputs.requests.linked.queues
        group = int(queues.arrivals.group[task])
        enqueued, ready = int(tasks.enqueue_ns[task]), int(queues.readiness.ready_ns[group])
        thread = self._thread(int(tasks.row[task]))
        if at_ns < ready or ready >= NEVER_NS:
            return RequestState(Stage.QUEUE_FILL.value, enqueued, thread)
        batch = int(tasks.batch[task])
        taken = int(queues.arrivals.taken_ns[group])
        if at_ns < taken or batch < 0:
            pool = queues.pools[int(queues.pool_of_queue[queues.arrivals.queue[group]])]
            busy = bool(is_covered(pool.all_busy, np.array([at_ns]))[0])
            stage = Stage.QUEUE_THREAD if busy else Stage.QUEUE_DISPATCH
            return RequestState(stage.value, max(enqueued, ready), thread)
        return self._in_batch(batch, at_ns)

    def _in_batch(self, batch: int, at_ns: int) -> RequestState:
        batches = self._inputs.requests.linked.batches
        thread = self._thread(int(batches.row[batch]))
        run_start, run_end = int(batches.run_start_ns[batch]), int(batches.run_end_ns[batch])
        if at_ns < run_start:
            return RequestState(Stage.BATCH_FORMATION.value, int(batches.start_ns[batch]), thread)
        if at_ns >= run_end:
            return RequestState(Stage.BATCH_SPLIT.value, run_end, thread)
        for step in batches.run_step[batches.run_batch == batch].tolist():
            found = self._in_step(step, at_ns)
            if found is not None:
                return found
        return RequestState(Stage.COMPUTE.value, run_start, thread)

    def _in_step(self, step: int, at_ns: int) -> RequestState | None:
        """State by the step's own pieces; None while it waits for an in-graph batcher."""
        staged = self._inputs.execution.staged
        first, last = staged.parts.first_of_step[step : step + 2].tolist()
        # Of the dtype of the owners, or the search would first copy them all.
        bounds = np.array([first, last], staged.pieces.owner.dtype)
        low, high = np.searchsorted(staged.pieces.owner, bounds).tolist()
        start, end = staged.pieces.start_ns[low:high], staged.pieces.end_ns[low:high]
        here = np.flatnonzero((start <= at_ns) & (end > at_ns))
        if not len(here):
            return None
        stage = STAGES[int(staged.pieces.code[low + here[0]])]
        name = "open" if stage is Stage.UNATTRIBUTED else stage.value
        return RequestState(name, int(start[here[0]]), self._thread_of_step(step, at_ns))

    def _thread_of_step(self, step: int, at_ns: int) -> str:
        """The thread of a burst at the instant, else that of the run."""
        steps, events = self._inputs.requests.linked.steps, self._inputs.execution.events
        rows = steps.burst_row[steps.burst_step == step]
        here = rows[(events.start_ns[rows] <= at_ns) & (events.end_ns[rows] > at_ns)]
        if len(here):
            return self._thread(int(here[0]))
        return self._thread(int(steps.row[step])) if steps.row[step] >= 0 else ""

    def _thread(self, row: int) -> str:
        host = self._inputs.execution.host
        return host.lines[int(host.events.line_index[row])].name
