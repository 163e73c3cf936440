"""Idle time of a device, or of the model's execution on the CPU, cut into pieces of one cause.

At every idle instant the cause is the state of the request that has come furthest: that one would
have made the device busy next. In order of precedence::

    preprocess                   a batch, or an unbatched request, is in preprocessing ops
    executor-pool                one is runnable and waits for an inter-op thread
    batch-threads-in-host-work   one is being formed or split, or is ready and no thread is free
    dispatch                     one is ready and a thread is free
    batch-fill                   one is open and neither full nor timed out
    preprocess                   a request is in the graph before its batcher
    unexplained                  some request is open, in none of these states
    no-demand                    no request is open
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.attribution.ledger import Ledger
from diag.analysis.attribution.roots import Holders
from diag.analysis.batching.batches import Batches, Tasks
from diag.analysis.batching.queueing import NEVER_NS
from diag.analysis.batching.queues import QueueState
from diag.analysis.columns.intervals import EMPTY, Set, intersect, merge, subtract, total_ns, union
from diag.analysis.columns.tiling import Layer, tile
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.step_stages import StepStages
from diag.model.events import Int64s
from diag.model.gaps import IDLE_CAUSES, GapTable, IdleCause, Timeline
from diag.model.serving import MODES, Mode, RequestTable, Stage
from diag.model.window import Window

CPU_TIMELINE = "cpu-execution"


@dataclass(frozen=True, slots=True)
class States:
    """When requests were in which state, as sets over all of them.

    Attributes:
        computing: Any step computed on the host (or ran, where the trace cannot tell).
        by_precedence: Cause and the set that claims it, furthest request first.
    """

    computing: Set
    by_precedence: tuple[tuple[IdleCause, Set], ...]


def find_states(
    staged: StepStages, batches: Batches, queues: QueueState, open_requests: Set
) -> States:
    """Collect the states behind the causes."""
    pieces, parts = staged.pieces, staged.parts
    coarse = batches.first_step < 0
    computing = merge(
        pieces.covering(Stage.COMPUTE.index, ~parts.is_after),
        union(batches.run_start_ns[coarse], batches.run_end_ns[coarse]),
    )
    filling, no_thread, dispatching = _queue_states(queues)
    host_work = merge(
        union(batches.start_ns, batches.run_start_ns),
        union(batches.run_end_ns[~coarse], batches.end_ns[~coarse]),
        no_thread,
    )
    before = parts.is_before
    return States(
        computing=computing,
        by_precedence=(
            (IdleCause.PREPROCESS, pieces.covering(Stage.PREPROCESS.index, ~before)),
            (IdleCause.EXECUTOR_POOL, pieces.covering(Stage.QUEUE_EXECUTOR.index, ~before)),
            (IdleCause.BATCH_THREADS_IN_HOST_WORK, host_work),
            (IdleCause.DISPATCH, dispatching),
            (IdleCause.BATCH_FILL, filling),
            (IdleCause.PREPROCESS, pieces.covering(Stage.PREPROCESS.index, before)),
            (IdleCause.EXECUTOR_POOL, pieces.covering(Stage.QUEUE_EXECUTOR.index, before)),
            (IdleCause.UNEXPLAINED, open_requests),
        ),
    )


def _queue_states(queues: QueueState) -> tuple[Set, Set, Set]:
    """When any batch was filling, ready with no thread of its pool free, and ready with one."""
    first, ready = queues.arrivals.first_ns, queues.readiness.ready_ns
    seen = first < NEVER_NS
    filling = union(first[seen], ready[seen])
    begin, end = np.maximum(first, ready), np.maximum(queues.arrivals.taken_ns, first)
    pool_of_group = queues.pool_of_queue[queues.arrivals.queue]
    no_thread, dispatching = [EMPTY], [EMPTY]
    for index, pool in enumerate(queues.pools):
        mine = seen & (pool_of_group == index)
        waiting = union(begin[mine], end[mine])
        no_thread.append(intersect(waiting, pool.all_busy))
        dispatching.append(subtract(waiting, pool.all_busy))
    return filling, merge(*no_thread), merge(*dispatching)


def find_gaps(
    device: DeviceWork,
    staged: StepStages,
    ledger: Ledger,
    requests: RequestTable,
    window: Window,
    unseen: Set,
) -> tuple[tuple[Timeline, ...], GapTable]:
    """Cut the idle time of every device, or of the CPU where there is none, by cause.

    Busy time and gaps cover the window exactly. Idle time as close to an edge of the window as the
    longest request is long is never without demand, unless every request leaves a mark when it
    enqueues: one that the edge cut may have been open there. ``unseen`` is when requests may have
    been open that the tracer level hides: idle time there is unexplained at best. Where nothing
    but the unseen was recorded there is no CPU timeline.
    """
    steps, batches, tasks, holders = ledger.steps, ledger.batches, ledger.tasks, ledger.holders
    cut_start, cut_end = _cut_requests(batches, tasks, holders, window)
    open_start = np.concatenate((requests.start_ns, cut_start))
    open_end = np.concatenate((requests.end_ns, cut_end))
    anything = union(
        np.concatenate((open_start, batches.start_ns, steps.start_ns)),
        np.concatenate((open_end, batches.end_ns, steps.end_ns)),
    )
    anything = merge(anything, ledger.queues.held)
    edges = _unproven_edges(requests, window)
    states = find_states(staged, batches, ledger.queues, merge(anything, unseen, edges))
    timelines = [(each.name, True, each.busy) for each in device.devices]
    if not timelines and not (len(unseen[0]) and not len(anything[0])):
        timelines = [(CPU_TIMELINE, False, states.computing)]
    starts, ends = np.sort(open_start), np.sort(open_end)
    low, high = np.array([window.start_ns]), np.array([max(window.start_ns, window.end_ns)])
    busy_code = len(IDLE_CAUSES)
    tables = [(np.empty(0, np.int64),) * 4]
    described: list[Timeline] = []
    for index, (name, is_device, busy) in enumerate(timelines):
        layers = [_layer(busy_code, busy)]
        layers += [_layer(IDLE_CAUSES.index(cause), s) for cause, s in states.by_precedence]
        pieces = tile(low, high, layers, IDLE_CAUSES.index(IdleCause.NO_DEMAND))
        idle = pieces.code != busy_code
        busy_ns = window.duration_ns - total_ns((pieces.start_ns[idle], pieces.end_ns[idle]))
        described.append(Timeline(name, is_device, window, busy_ns))
        start = pieces.start_ns[idle]
        tables.append((np.full(len(start), index), start, pieces.end_ns[idle], pieces.code[idle]))
    columns = [np.concatenate([t[i] for t in tables]) for i in range(4)]
    waiting = np.searchsorted(starts, columns[1], side="right") - np.searchsorted(
        ends, columns[1], side="right"
    )
    gaps = GapTable(
        timeline_index=columns[0].astype(np.int32),
        start_ns=columns[1],
        end_ns=columns[2],
        cause_index=columns[3].astype(np.int32),
        waiting_requests=waiting,
        confidence_index=np.zeros(len(waiting), np.int32),
        runner_up_index=np.full(len(waiting), -1, np.int32),
        evidence_row=np.full(len(waiting), -1, np.int64),
    )
    return tuple(described), gaps


def _unproven_edges(requests: RequestTable, window: Window) -> Set:
    """Where a request that the window cut may have been open without leaving an event.

    Those of a BatchingSession leave their enqueue, or rows in a batch; others may only have waited.
    """
    silent = requests.mode_index != MODES.index(Mode.BATCHING_SESSION)
    reach = int(requests.duration_ns[silent].max(initial=0))
    low, high = window.start_ns, window.end_ns
    if low >= high or not reach:
        return EMPTY
    return union(np.array([low, max(low, high - reach)]), np.array([min(low + reach, high), high]))


def _cut_requests(
    batches: Batches, tasks: Tasks, holders: Holders, window: Window
) -> tuple[Int64s, Int64s]:
    """Requests that the window cut, as far as they were seen to be open.

    A task without its request is open from its enqueue to the end of its batch, or of the window
    where that was cut too; rows in a batch that no recorded task enqueued are of a request that
    began before the window, and count as one a batch.
    """
    lost = np.flatnonzero((holders.session < 0) & (holders.call < 0))
    batch = tasks.batch[lost]
    lost_end = np.full(len(lost), window.end_ns)
    lost_end[batch >= 0] = batches.end_ns[batch[batch >= 0]]
    enqueued = np.zeros(len(batches), np.int64)
    linked = np.flatnonzero(tasks.batch >= 0)
    np.add.at(enqueued, tasks.batch[linked], np.maximum(tasks.size[linked], 0))
    short = np.flatnonzero(batches.rows > enqueued)
    return (
        np.concatenate((tasks.enqueue_ns[lost], np.full(len(short), window.start_ns))),
        np.concatenate((lost_end, batches.end_ns[short])),
    )


def _layer(code: int, claimed: Set) -> Layer:
    start, end = claimed
    return Layer(code, np.zeros(len(start), np.int64), start, end)
