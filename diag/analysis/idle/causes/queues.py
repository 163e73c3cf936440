"""Claims from the batcher: batches that fill, are ready, are formed, are split."""

from __future__ import annotations

import numpy as np

from diag.analysis.batching.queueing import Known
from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.device_use import DeviceUse
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import EMPTY, intersect, merge, subtract, union
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, Int64s
from diag.model.gaps import IdleCause
from diag.model.intervals import NEVER_NS, IntervalSet
from diag.model.serving import Origin, Parameter


def queue_causes(
    inputs: IdleInputs, use: DeviceUse
) -> tuple[CauseIntervals, CauseIntervals, CauseIntervals]:
    """Host work of batch threads, dispatch and fill, in order of precedence.

    The rules that tell them apart are exact where the queue's parameters are told; where they are
    estimated, nothing shows what they say but the rules.
    """
    events, batches, queues = (
        inputs.execution.events,
        inputs.requests.linked.batches,
        inputs.requests.linked.queues,
    )
    waits = _Waits(inputs, use)
    mine = use.batches
    formed = union(batches.start_ns[mine], batches.run_start_ns[mine])
    merges = events.rows_named(ev.MERGE_INPUT_TENSORS, ev.CONCAT_INPUT_TENSORS)
    holding = EvidenceEvents(batches.start_ns, batches.end_ns, batches.row)
    blocked, shown_blocked, free, shown_free = [EMPTY], [EMPTY], [EMPTY], [EMPTY]
    pool_of_group = queues.pool_of_queue[queues.arrivals.queue]
    for index, pool in enumerate(queues.pools):
        waiting, surely = waits.ready(pool_of_group == index, _is_told(pool.threads))
        blocked.append(intersect(waiting, pool.all_busy))
        free.append(subtract(waiting, pool.all_busy))
        shown_blocked.append(intersect(surely, pool.all_busy))
        shown_free.append(subtract(surely, pool.all_busy))
    filling, surely_filling = waits.filling()
    return (
        CauseIntervals(
            IdleCause.BATCH_THREADS_IN_HOST_WORK,
            merge(formed, *blocked),
            merge(formed, *shown_blocked),
            (EvidenceEvents.of(events, merges), holding),
        ),
        CauseIntervals(
            IdleCause.QUEUE_DISPATCH, merge(*free), merge(*shown_free), (waits.ready_evidence(),)
        ),
        CauseIntervals(IdleCause.QUEUE_FILL, filling, surely_filling, (waits.filling_evidence(),)),
    )


def hidden_run_cause(inputs: IdleInputs, use: DeviceUse) -> CauseIntervals:
    """Runs of batches of which the tracer level shows nothing: what they were at is not known.

    They have come further than any batch that fills or waits, which so cannot be the cause.
    """
    batches = inputs.requests.linked.batches
    mine = np.flatnonzero(use.batches & (batches.first_step < 0))
    shows = EvidenceEvents(batches.run_start_ns[mine], batches.run_end_ns[mine], batches.row[mine])
    return CauseIntervals(
        IdleCause.UNEXPLAINED, union(shows.start_ns, shows.end_ns), EMPTY, (shows,)
    )


def split_cause(inputs: IdleInputs, use: DeviceUse) -> CauseIntervals:
    """From the end of a batch's run its outputs are split and its members woken, one by one."""
    batches, sources = inputs.requests.linked.batches, inputs.requests.sources
    mine = np.flatnonzero(use.batches & (batches.first_step >= 0))
    member, answered = _answered(inputs)
    keep = use.requests[member]
    member, answered = member[keep], answered[keep]
    shows = EvidenceEvents(
        np.concatenate((batches.run_end_ns[mine], answered)),
        np.concatenate((batches.end_ns[mine], inputs.requests.table.end_ns[member])),
        np.concatenate((batches.row[mine], sources.root[member])),
    )
    split = union(shows.start_ns, shows.end_ns)
    return CauseIntervals(IdleCause.SYNC_OR_OUTPUT, split, split, (shows,))


def _answered(inputs: IdleInputs) -> tuple[Int64s, Int64s]:
    """Requests that are nothing but a stay in a batcher, and when the last of their runs ended."""
    tasks, sources, batches = (
        inputs.requests.linked.tasks,
        inputs.requests.sources,
        inputs.requests.linked.batches,
    )
    owned = np.flatnonzero(sources.of_task >= 0)
    owner, batch = sources.of_task[owned], tasks.batch[owned]
    ended = np.full(len(sources.root), -1, np.int64)
    linked = batch >= 0
    np.maximum.at(ended, owner[linked], batches.run_end_ns[batch[linked]])
    np.maximum.at(ended, owner[~linked], NEVER_NS)
    member = np.flatnonzero((sources.step < 0) & (ended >= 0) & (ended < NEVER_NS))
    return member, ended[member]


class _Waits:
    """Groups of tasks (each those of one batch) that concern the device, in their two waits."""

    def __init__(self, inputs: IdleInputs, use: DeviceUse) -> None:
        queues, tasks = inputs.requests.linked.queues, inputs.requests.linked.tasks
        arrivals = queues.arrivals
        batches = len(inputs.requests.linked.batches)
        concerned = use.queues[arrivals.queue]
        concerned[:batches] = use.batches
        self._seen = concerned & (arrivals.first_ns < NEVER_NS)
        self._told = np.array(
            [
                _is_told(size) and _is_told(wait)
                for size, wait in zip(queues.max_rows, queues.timeout, strict=True)
            ],
            np.bool_,
        )[arrivals.queue]
        self._first, self._ready = arrivals.first_ns, queues.readiness.ready_ns
        self._begin = np.maximum(self._first, self._ready)
        self._taken = np.maximum(arrivals.taken_ns, self._first)
        order = np.lexsort((tasks.enqueue_ns, arrivals.group))
        group = arrivals.group[order]
        leads = order[np.flatnonzero(np.diff(group, prepend=-1))]
        self._row = np.full(len(self._first), -1, np.int64)
        self._row[arrivals.group[leads]] = tasks.row[leads]

    def filling(self) -> tuple[IntervalSet, IntervalSet]:
        """When any batch filled, and when one did whose queue's parameters are told."""
        told = self._seen & self._told
        return (
            union(self._first[self._seen], self._ready[self._seen]),
            union(self._first[told], self._ready[told]),
        )

    def ready(self, mine: Bools, threads_are_told: bool) -> tuple[IntervalSet, IntervalSet]:
        """The same for batches ready, of one pool."""
        mine = mine & self._seen
        told = mine & self._told & threads_are_told
        return (
            union(self._begin[mine], self._taken[mine]),
            union(self._begin[told], self._taken[told]),
        )

    def filling_evidence(self) -> EvidenceEvents:
        """The enqueue of each batch's first task while it fills."""
        return self._evidence(self._first, self._ready)

    def ready_evidence(self) -> EvidenceEvents:
        """The enqueue of each batch's first task while it is ready."""
        return self._evidence(self._begin, self._taken)

    def _evidence(self, start: Int64s, end: Int64s) -> EvidenceEvents:
        keep = np.flatnonzero(self._seen & (self._row >= 0) & (end > start))
        return EvidenceEvents(start[keep], end[keep], self._row[keep])


def _is_told(value: Known) -> bool:
    return isinstance(value, Parameter) and value.origin is not Origin.ESTIMATED
