"""Executor steps: the runs of sessions and functions, and the bursts of work in each.

A step is a ``SessionRun`` or a ``FunctionRun`` event and the ``ExecutorState::Process`` bursts with
its id. Functions called from inside a burst (map functions, functional loops) belong to the step
that called them. Bursts whose run event is outside the window form an *orphan* step: it is busy
time, but never a request.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.joins import earliest_after, latest_before
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Steps in the order session runs, functions, orphans.

    Attributes:
        row: (n,) event row of the run; -1 for an orphan.
        start_ns: (n,) begin of the run; of an orphan, of its first burst.
        end_ns: (n,) end of a session run; of a function, the begin of its done callback (the
            FunctionRun event itself covers only the launch); of an orphan, of its last burst.
        root: (n,) the outermost step that it was called from, or itself.
        is_function: (n,) whether it is a FunctionRun.
        is_orphan: (n,) whether its run event is missing.
        burst_row: (k,) ascending rows of ExecutorState::Process.
        burst_step: (k,) root step of each burst.
    """

    row: Int64s
    start_ns: Int64s
    end_ns: Int64s
    root: Int64s
    is_function: Bools
    is_orphan: Bools
    burst_row: Int64s
    burst_step: Int64s

    def __len__(self) -> int:
        return len(self.row)

    @property
    def is_root(self) -> Bools:
        """Steps that no other step called."""
        return np.asarray(self.root == np.arange(len(self.row)), np.bool_)


def find_steps(events: EventTable) -> Steps:
    """Find the steps, and the step of every executor burst."""
    runs = events.rows_named(ev.SESSION_RUN)
    functions = events.rows_named(ev.FUNCTION_RUN)
    row = np.concatenate((runs, functions))
    key = events.stat(ev.STAT_PRODUCER_ID).at(row)
    start = events.start_ns[row]

    bursts = events.rows_named(ev.EXECUTOR_PROCESS)
    burst_key = events.stat(ev.STAT_CONSUMER_ID).at(bursts)
    burst_step = latest_before(key, start, burst_key, events.start_ns[bursts])
    orphan_keys, orphan_of = np.unique(burst_key[burst_step < 0], return_inverse=True)
    burst_step[burst_step < 0] = len(row) + orphan_of

    end = events.end_ns[row].copy()
    is_function = np.arange(len(row)) >= len(runs)
    done = events.rows_named(ev.EXECUTOR_DONE_CALLBACK)
    done_step = latest_before(
        key, start, events.stat(ev.STAT_CONSUMER_ID).at(done), events.start_ns[done]
    )
    finish = np.full(len(row), -1, np.int64)
    np.maximum.at(finish, done_step[done_step >= 0], events.start_ns[done[done_step >= 0]])
    finish = np.where(finish >= 0, finish, _cut_off_end(events, row, bursts, burst_step))
    end[is_function] = np.maximum(start, finish)[is_function]

    n, orphans = len(row), len(orphan_keys)
    orphan_start = np.full(orphans, np.iinfo(np.int64).max)
    orphan_end = np.zeros(orphans, np.int64)
    np.minimum.at(orphan_start, orphan_of, events.start_ns[bursts[burst_step >= n]])
    np.maximum.at(orphan_end, orphan_of, events.end_ns[bursts[burst_step >= n]])

    callers = _callers(events, bursts, burst_step, done, done_step)
    root = _roots(events, row, callers, n + orphans)
    return Steps(
        row=np.concatenate((row, np.full(orphans, -1, np.int64))),
        start_ns=np.concatenate((start, orphan_start)),
        end_ns=np.concatenate((end, orphan_end)),
        root=root,
        is_function=np.concatenate((is_function, np.zeros(orphans, np.bool_))),
        is_orphan=np.arange(n + orphans) >= n,
        burst_row=bursts,
        burst_step=root[burst_step],
    )


def _cut_off_end(events: EventTable, row: Int64s, bursts: Int64s, burst_step: Int64s) -> Int64s:
    """(runs,) end of runs whose done callback the window cut off.

    Inside a batch that was recorded whole it is the end of the last burst; otherwise the run lasts
    to the end of the recording.
    """
    last = np.full(len(row), -1, np.int64)
    mine = burst_step < len(row)
    np.maximum.at(last, burst_step[mine], events.end_ns[bursts[mine]])
    batch = events.rows_named(ev.PROCESS_BATCH)
    in_batch = innermost(events, batch, row)
    horizon = int(events.end_ns.max()) if len(events) else 0
    limit = events.end_ns[batch[np.maximum(in_batch, 0)]] if len(batch) else last
    return np.where(in_batch >= 0, np.where(last >= 0, np.minimum(last, limit), limit), horizon)


def _callers(
    events: EventTable, bursts: Int64s, burst_step: Int64s, done: Int64s, done_step: Int64s
) -> tuple[Int64s, Int64s]:
    """Ascending rows of the events inside which a step calls others, and that step.

    These are bursts and done callbacks: a functional loop starts its next iteration from the done
    callback of the one before.
    """
    known = done_step >= 0
    row = np.concatenate((bursts, done[known]))
    order = np.argsort(row)
    return row[order], np.concatenate((burst_step, done_step[known]))[order]


def _roots(events: EventTable, row: Int64s, callers: tuple[Int64s, Int64s], steps: int) -> Int64s:
    """(steps,) the outermost step that each step was called from.

    A run is a call only inside a burst or a done callback on the same thread. The run of a
    BatchFunction is on a batch thread, outside both, and so is a root step.
    """
    root = np.arange(steps)
    caller_row, caller_step = callers
    around = innermost(events, caller_row, row)
    called = around >= 0
    root[: len(row)][called] = caller_step[around[called]]
    for _ in range(64):  # call depth; limited, as ids of a damaged file could form a cycle
        above = root[root]
        if np.array_equal(above, root):
            break
        root = above
    return root


@dataclass(frozen=True, slots=True, eq=False)
class AsyncOps:
    """Asynchronous ops: started on one thread, finished by a callback.

    Attributes:
        start_ns: (n,) begin of ``ProcessAsync::Start``.
        done_ns: (n,) begin of the matching ``::Done``, in which outputs are set; -1 if cut off.
        end_ns: (n,) end of ``::Done``; -1 if cut off.
        row: (n,) row of the start event.
        step: (n,) root step it belongs to, -1 if none was recorded.
        is_batch: (n,) whether it is a BatchFunction.
        name: (n,) index of the node name in ``EventTable.names``, -1 if absent.
    """

    start_ns: Int64s
    done_ns: Int64s
    end_ns: Int64s
    row: Int64s
    step: Int64s
    is_batch: Bools
    name: Int64s

    def __len__(self) -> int:
        return len(self.row)


def find_async_ops(events: EventTable, steps: Steps) -> AsyncOps:
    """Pair the start and the done of every asynchronous op."""
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
    kinds = events.stat(ev.STAT_KERNEL_TYPE).at(start)
    is_named = ev.BATCH_FUNCTION in events.names
    batch_kind = events.names.index(ev.BATCH_FUNCTION) if is_named else -2
    return AsyncOps(
        start_ns=start_ns,
        done_ns=np.where(paired, events.start_ns[seen], -1) if len(events) else start_ns,
        end_ns=np.where(paired, events.end_ns[seen], -1) if len(events) else start_ns,
        row=start,
        step=step,
        is_batch=kinds == batch_kind,
        name=events.stat(ev.STAT_NAME).at(start),
    )
