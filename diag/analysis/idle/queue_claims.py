"""Claims from the batcher: batches that fill, are ready, are formed, are split."""

from __future__ import annotations

import numpy as np

from diag.analysis.batching.queueing import NEVER_NS, Known
from diag.analysis.columns.intervals import EMPTY, Set, intersect, merge, subtract, union
from diag.analysis.idle.claims import Claim
from diag.analysis.idle.device_use import DeviceUse
from diag.analysis.idle.evidence import Witnesses
from diag.analysis.idle.scene import Scene
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, Int64s
from diag.model.gaps import IdleCause
from diag.model.serving import Origin, Parameter


def queue_claims(scene: Scene, use: DeviceUse) -> tuple[Claim, Claim, Claim]:
    """Host work of batch threads, dispatch and fill, in order of precedence.

    The rules that tell them apart are exact where the queue's parameters are told; where they are
    estimated, nothing shows what they say but the rules.
    """
    events, batches, queues = scene.host.events, scene.ledger.batches, scene.ledger.queues
    waits = _Waits(scene, use)
    mine = use.batches
    formed = union(batches.start_ns[mine], batches.run_start_ns[mine])
    merges = events.rows_named(ev.MERGE_INPUT_TENSORS, ev.CONCAT_INPUT_TENSORS)
    holding = Witnesses(batches.start_ns, batches.end_ns, batches.row)
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
        Claim(
            IdleCause.BATCH_THREADS_IN_HOST_WORK,
            merge(formed, *blocked),
            merge(formed, *shown_blocked),
            (Witnesses.of(events, merges), holding),
        ),
        Claim(IdleCause.DISPATCH, merge(*free), merge(*shown_free), (waits.ready_witnesses(),)),
        Claim(IdleCause.BATCH_FILL, filling, surely_filling, (waits.filling_witnesses(),)),
    )


def hidden_claim(scene: Scene, use: DeviceUse) -> Claim:
    """Runs of batches of which the tracer level shows nothing: what they were at is not known.

    They have come further than any batch that fills or waits, which so cannot be the cause.
    """
    batches = scene.ledger.batches
    mine = np.flatnonzero(use.batches & (batches.first_step < 0))
    shows = Witnesses(batches.run_start_ns[mine], batches.run_end_ns[mine], batches.row[mine])
    return Claim(IdleCause.UNEXPLAINED, union(shows.start_ns, shows.end_ns), EMPTY, (shows,))


def split_claim(scene: Scene, use: DeviceUse) -> Claim:
    """From the end of a batch's run its outputs are split and its members woken, one by one."""
    batches, origins = scene.ledger.batches, scene.origins
    mine = np.flatnonzero(use.batches & (batches.first_step >= 0))
    member, answered = _answered(scene)
    keep = use.requests[member]
    member, answered = member[keep], answered[keep]
    shows = Witnesses(
        np.concatenate((batches.run_end_ns[mine], answered)),
        np.concatenate((batches.end_ns[mine], scene.requests.end_ns[member])),
        np.concatenate((batches.row[mine], origins.row[member])),
    )
    split = union(shows.start_ns, shows.end_ns)
    return Claim(IdleCause.SYNC_OR_OUTPUT, split, split, (shows,))


def _answered(scene: Scene) -> tuple[Int64s, Int64s]:
    """Requests that are nothing but a stay in a batcher, and when the last of their runs ended."""
    tasks, origins, batches = scene.ledger.tasks, scene.origins, scene.ledger.batches
    owned = np.flatnonzero(origins.of_task >= 0)
    owner, batch = origins.of_task[owned], tasks.batch[owned]
    ended = np.full(len(origins.row), -1, np.int64)
    linked = batch >= 0
    np.maximum.at(ended, owner[linked], batches.run_end_ns[batch[linked]])
    np.maximum.at(ended, owner[~linked], NEVER_NS)
    member = np.flatnonzero((origins.step < 0) & (ended >= 0) & (ended < NEVER_NS))
    return member, ended[member]


class _Waits:
    """Groups of tasks (each those of one batch) that concern the device, in their two waits."""

    def __init__(self, scene: Scene, use: DeviceUse) -> None:
        queues, tasks = scene.ledger.queues, scene.ledger.tasks
        arrivals = queues.arrivals
        batches = len(scene.ledger.batches)
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

    def filling(self) -> tuple[Set, Set]:
        """When any batch filled, and when one did whose queue's parameters are told."""
        told = self._seen & self._told
        return (
            union(self._first[self._seen], self._ready[self._seen]),
            union(self._first[told], self._ready[told]),
        )

    def ready(self, mine: Bools, threads_are_told: bool) -> tuple[Set, Set]:
        """The same for batches ready, of one pool."""
        mine = mine & self._seen
        told = mine & self._told & threads_are_told
        return (
            union(self._begin[mine], self._taken[mine]),
            union(self._begin[told], self._taken[told]),
        )

    def filling_witnesses(self) -> Witnesses:
        """The enqueue of each batch's first task while it fills."""
        return self._witnesses(self._first, self._ready)

    def ready_witnesses(self) -> Witnesses:
        """The enqueue of each batch's first task while it is ready."""
        return self._witnesses(self._begin, self._taken)

    def _witnesses(self, start: Int64s, end: Int64s) -> Witnesses:
        keep = np.flatnonzero(self._seen & (self._row >= 0) & (end > start))
        return Witnesses(start[keep], end[keep], self._row[keep])


def _is_told(value: Known) -> bool:
    return isinstance(value, Parameter) and value.origin is not Origin.ESTIMATED
