"""When requests that concern a device were open, including those that the window cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.idle.device_use import DeviceUse
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import EMPTY, merge, subtract, union
from diag.analysis.intervals.sweep import slices
from diag.model.events import Int32s, Int64s
from diag.model.intervals import IntervalSet
from diag.model.serving import MODES, Mode, Stage

# Stages of a BatchingSession's request before a thread takes its batch.
_BEFORE_TAKEN = (Stage.SCHEDULE, Stage.QUEUE_FILL, Stage.QUEUE_THREAD, Stage.QUEUE_DISPATCH)


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """The requests that concern one device.

    Attributes:
        open: When a request, batch or step was open.
        requests: When a request was open, as far as the trace shows.
        silent: When nothing was open, but a request cut by an edge of the window may have been
            open without leaving an event.
        start_ns: (n,) begin of each request.
        end_ns: (n,) its end.
        request: (n,) row of the request table, -1 for a request that the window cut.
        task: (n,) the task that shows a cut request, -1 otherwise.
    """

    open: IntervalSet
    requests: IntervalSet
    silent: IntervalSet
    start_ns: Int64s
    end_ns: Int64s
    request: Int64s
    task: Int64s

    def waiting_at(self, at_ns: Int64s) -> Int32s:
        """(k,) how many requests were open at each of these times."""
        starts, ends = np.sort(self.start_ns), np.sort(self.end_ns)
        out = np.empty(len(at_ns), np.int32)
        for some in slices(len(out)):
            begun = np.searchsorted(starts, at_ns[some], side="right")
            out[some] = begun - np.searchsorted(ends, at_ns[some], side="right")
        return out


def find_demand(inputs: IdleInputs, use: DeviceUse) -> Demand:
    """Collect the requests, batches and steps that concern a device."""
    linked, requests = inputs.requests.linked, inputs.requests.table
    steps, batches = linked.steps, linked.batches
    own = np.flatnonzero(use.requests)
    cut_start, cut_end, cut_task = _cut_requests(inputs, use)
    start = np.concatenate((requests.start_ns[own], cut_start))
    end = np.concatenate((requests.end_ns[own], cut_end))
    open_requests = union(start, end)
    # Steps that load a model are no demand.
    of_step, of_batch = (use.steps & ~inputs.execution.calls.loading)[steps.root], use.batches
    anything = merge(
        open_requests,
        union(batches.start_ns[of_batch], batches.end_ns[of_batch]),
        union(steps.start_ns[of_step], steps.end_ns[of_step]),
        _cut_batches(inputs, use),
    )
    return Demand(
        open=anything,
        requests=open_requests,
        silent=subtract(_silent_edges(inputs, use), anything),
        start_ns=start,
        end_ns=end,
        request=np.concatenate((own, np.full(len(cut_start), -1, np.int64))),
        task=np.concatenate((np.full(len(own), -1, np.int64), cut_task)),
    )


def _cut_batches(inputs: IdleInputs, use: DeviceUse) -> IntervalSet:
    """When batch threads that serve the device held batches which the window cut off."""
    linked = inputs.requests.linked
    held = linked.queues.held_cut_off
    mine = held.where(np.isin(held.line, linked.batches.line[use.batches]))
    return union(mine.start_ns, mine.end_ns)


def _silent_edges(inputs: IdleInputs, use: DeviceUse) -> IntervalSet:
    """Where a request that the window cut may have been open without leaving an event.

    A request of a BatchingSession leaves its enqueue, or rows in a batch, unless its batch was
    taken before the window. Any other request may have waited without an event. So the silent time
    reaches from the begin of the window as long as the longest BatchingSession request lasts after
    its batch is taken, and from both edges as long as the longest other request lasts.
    """
    requests, window = inputs.requests.table, inputs.capture.window
    is_session = requests.mode_index == MODES.index(Mode.BATCHING_SESSION)
    late = int(requests.duration_ns[use.requests & ~is_session].max(initial=0))
    before = [stage.index for stage in _BEFORE_TAKEN]
    taken_ns = requests.duration_ns - requests.stage_ns[:, before].sum(axis=1)
    early = max(late, int(taken_ns[use.requests & is_session].max(initial=0)))
    low, high = window.start_ns, window.end_ns
    if low >= high:
        return EMPTY
    return union(np.array([low, max(low, high - late)]), np.array([min(low + early, high), high]))


def _cut_requests(inputs: IdleInputs, use: DeviceUse) -> tuple[Int64s, Int64s, Int64s]:
    """Begin, end and task of requests that the window cut, as far as events show them.

    A task without its request is open from its enqueue to the end of its batch, or to the end of
    the window if the batch was cut too. Rows in a batch that no recorded task enqueued belong to a
    request that began before the window; they count as one request for each batch.
    """
    linked = inputs.requests.linked
    batches, tasks, task_owners = linked.batches, linked.tasks, linked.task_owners
    window = inputs.capture.window
    lost = np.flatnonzero((task_owners.session < 0) & (task_owners.call < 0) & use.tasks)
    batch = tasks.batch[lost]
    lost_end = np.full(len(lost), window.end_ns)
    lost_end[batch >= 0] = batches.end_ns[batch[batch >= 0]]
    enqueued = np.zeros(len(batches), np.int64)
    in_batch = np.flatnonzero(tasks.batch >= 0)
    np.add.at(enqueued, tasks.batch[in_batch], np.maximum(tasks.size[in_batch], 0))
    short = np.flatnonzero((batches.rows > enqueued) & use.batches)
    return (
        np.concatenate((tasks.enqueue_ns[lost], np.full(len(short), window.start_ns))),
        np.concatenate((lost_end, batches.end_ns[short])),
        np.concatenate((lost, np.full(len(short), -1, np.int64))),
    )
