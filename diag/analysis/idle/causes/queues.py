"""Causes from the batcher: batches that fill, wait, are formed, or are split."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, eq=False)
class QueueCauses:
    """What waiting in queues explains.

    Attributes:
        host_work: Batches are formed, or wait because every batch thread is busy.
        dispatch: Batches are ready while a thread is free.
        fill: Batches are neither full nor timed out.
    """

    host_work: CauseIntervals
    dispatch: CauseIntervals
    fill: CauseIntervals


def queue_causes(inputs: IdleInputs, use: DeviceUse) -> QueueCauses:
    """Find them for the batches that concern a device.

    The rules that separate the causes are exact where the queue's parameters are known. Where they
    are estimated, nothing but the rules says so, and no interval is confirmed.
    """
    events, linked = inputs.execution.events, inputs.requests.linked
    batches, queues = linked.batches, linked.queues
    waits = _Waits(inputs, use)
    mine = use.batches
    formed = union(batches.start_ns[mine], batches.run_start_ns[mine])
    merges = events.rows_named(ev.MERGE_INPUT_TENSORS, ev.CONCAT_INPUT_TENSORS)
    processing = EvidenceEvents(batches.start_ns, batches.end_ns, batches.row)
    blocked, surely_blocked, free, surely_free = [EMPTY], [EMPTY], [EMPTY], [EMPTY]
    pool_of_group = queues.pool_of_queue[queues.arrivals.queue]
    for index, pool in enumerate(queues.pools):
        waiting, surely = waits.ready(pool_of_group == index, _is_known(pool.threads))
        blocked.append(intersect(waiting, pool.all_busy))
        free.append(subtract(waiting, pool.all_busy))
        surely_blocked.append(intersect(surely, pool.all_busy))
        surely_free.append(subtract(surely, pool.all_busy))
    filling, surely_filling = waits.filling()
    return QueueCauses(
        host_work=CauseIntervals(
            IdleCause.BATCH_THREADS_IN_HOST_WORK,
            merge(formed, *blocked),
            merge(formed, *surely_blocked),
            (EvidenceEvents.of(events, merges), processing),
        ),
        dispatch=CauseIntervals(
            IdleCause.QUEUE_DISPATCH,
            merge(*free),
            merge(*surely_free),
            (waits.ready_evidence(),),
        ),
        fill=CauseIntervals(
            IdleCause.QUEUE_FILL, filling, surely_filling, (waits.filling_evidence(),)
        ),
    )


def hidden_run_cause(inputs: IdleInputs, use: DeviceUse) -> CauseIntervals:
    """Batches in their run, where the tracer level shows nothing of it.

    Such a batch has come further than any that fills or waits, so that those are not the cause.
    """
    batches = inputs.requests.linked.batches
    mine = np.flatnonzero(use.batches & (batches.first_step < 0))
    shows = EvidenceEvents(batches.run_start_ns[mine], batches.run_end_ns[mine], batches.row[mine])
    return CauseIntervals(
        IdleCause.UNEXPLAINED, union(shows.start_ns, shows.end_ns), EMPTY, (shows,)
    )


def split_cause(inputs: IdleInputs, use: DeviceUse) -> CauseIntervals:
    """After a batch's run: its outputs are split and its requests return, one after the other."""
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
    """Requests that are one visit to a batcher, and the end of the last run of their batches."""
    linked, sources = inputs.requests.linked, inputs.requests.sources
    tasks, batches = linked.tasks, linked.batches
    owned = np.flatnonzero(sources.of_task >= 0)
    owner, batch = sources.of_task[owned], tasks.batch[owned]
    ended = np.full(len(sources.root), -1, np.int64)
    recorded = batch >= 0
    np.maximum.at(ended, owner[recorded], batches.run_end_ns[batch[recorded]])
    np.maximum.at(ended, owner[~recorded], NEVER_NS)
    member = np.flatnonzero((sources.step < 0) & (ended >= 0) & (ended < NEVER_NS))
    return member, ended[member]


class _Waits:
    """How long batches that concern a device filled, and how long they were ready and waited.

    A group is the tasks of one batch, see ``Arrivals``.
    """

    def __init__(self, inputs: IdleInputs, use: DeviceUse) -> None:
        linked = inputs.requests.linked
        queues, tasks, batches = linked.queues, linked.tasks, len(linked.batches)
        arrivals = queues.arrivals
        concerned = use.queues[arrivals.queue]
        concerned[:batches] = use.batches
        self._seen = concerned & (arrivals.first_ns < NEVER_NS)
        self._known = np.array(
            [
                _is_known(size) and _is_known(wait)
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
        """When any batch filled, and when a batch of a queue with known parameters did."""
        known = self._seen & self._known
        return (
            union(self._first[self._seen], self._ready[self._seen]),
            union(self._first[known], self._ready[known]),
        )

    def ready(self, mine: Bools, threads_known: bool) -> tuple[IntervalSet, IntervalSet]:
        """The same for batches of one pool that were ready and waited."""
        mine = mine & self._seen
        known = mine & self._known & threads_known
        return (
            union(self._begin[mine], self._taken[mine]),
            union(self._begin[known], self._taken[known]),
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


def _is_known(value: Known) -> bool:
    return isinstance(value, Parameter) and value.origin is not Origin.ESTIMATED
