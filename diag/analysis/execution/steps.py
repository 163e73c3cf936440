"""Executor steps: the runs of sessions and functions, and the bursts of work in each.

A step is a ``SessionRun`` or a ``FunctionRun`` event and the ``ExecutorState::Process`` bursts with
its id. Functions called from inside a burst (map functions, functional loops) belong to the step
that called them. A function that left no run event is known by the event that called it
(``adopted_functions.py``). Bursts of any other run without an event, as the window cut it off, form
an *orphan* step: it is busy time, but never a request. Bursts that bear no run's id are of the step
that they lie in, if any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.adopted_functions import find_callers_of_functions
from diag.analysis.execution.step_callers import (
    Callers,
    called_by_pipelines,
    find_dataset_work,
    find_direct_callers,
    find_roots,
)
from diag.analysis.intervals.joins import earliest_after, latest_before
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s

# The key of an event without an id, or with one of no run. Ids of runs are small counts or random
# 64-bit numbers, of which one in 2**61 is taken for an id of no run.
NO_KEY = -1


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Steps in the order session runs, functions, orphans.

    Attributes:
        row: (n,) event row of the run; of a function without one, of the event that called it; -1
            for an orphan.
        key: (n,) id that the bursts and the done callback of the run bear; ``NO_KEY`` if unknown.
        start_ns: (n,) begin of the run; of an orphan, and of a function without a run event, of the
            first burst.
        end_ns: (n,) end of a session run; of a function, the begin of its done callback (the
            FunctionRun event itself covers only the launch); of an orphan, of its last burst.
        root: (n,) the outermost step that it was called from, or itself.
        is_function: (n,) whether it is a function; of an orphan, by its step id: sessions count
            theirs from 0, functions choose negative numbers.
        is_orphan: (n,) whether it has no run event and is no function with a known caller.
        is_data: (n,) whether a tf.data pipeline called it, directly or through other functions.
        burst_row: (k,) ascending rows of ExecutorState::Process, of bursts that belong to a step.
        burst_step: (k,) root step of each burst.
        burst_is_data: (k,) whether a burst does work of a tf.data pipeline.
        data_row: (m,) ascending rows of the work of tf.data ops on threads of their own.
        data_step: (m,) root step whose op it is.
    """

    row: Int64s
    key: Int64s
    start_ns: Int64s
    end_ns: Int64s
    root: Int64s
    is_function: Bools
    is_orphan: Bools
    is_data: Bools
    burst_row: Int64s
    burst_step: Int64s
    burst_is_data: Bools
    data_row: Int64s
    data_step: Int64s

    def __len__(self) -> int:
        return len(self.row)

    @property
    def is_root(self) -> Bools:
        """Steps that no other step called."""
        return np.asarray(self.root == np.arange(len(self.row)), np.bool_)


def keys_of_runs(events: EventTable, stat: str, row: Int64s) -> Int64s:
    """(n,) ids of runs that events bear in a stat; ``NO_KEY`` for an id that is of no run."""
    key = events.stat(stat).at(row, NO_KEY)
    special = (key >= ev.SPECIAL_STEP_IDS.start) & (key < ev.SPECIAL_STEP_IDS.stop)
    return np.where(special, NO_KEY, key)


def find_steps(events: EventTable) -> Steps:
    """Find the steps, and the step of every executor burst."""
    runs, functions = events.rows_named(ev.SESSION_RUN), events.rows_named(ev.FUNCTION_RUN)
    run_row = np.concatenate((runs, functions))
    run_key = keys_of_runs(events, ev.STAT_PRODUCER_ID, run_row)
    bursts = events.rows_named(ev.EXECUTOR_PROCESS)
    burst_key = keys_of_runs(events, ev.STAT_CONSUMER_ID, bursts)
    keyed = burst_key != NO_KEY
    bare = bursts[~keyed]
    bursts, burst_key = bursts[keyed], burst_key[keyed]
    done = events.rows_named(ev.EXECUTOR_DONE_CALLBACK)
    done_key = keys_of_runs(events, ev.STAT_CONSUMER_ID, done)
    done, done_key = done[done_key != NO_KEY], done_key[done_key != NO_KEY]

    at = events.start_ns
    burst_step = latest_before(run_key, at[run_row], burst_key, at[bursts])
    alone = burst_step < 0
    is_negative = events.stat(ev.STAT_ID).at(bursts[alone]) < ev.SPECIAL_STEP_IDS.start
    alone_key, alone_of = np.unique(burst_key[alone], return_inverse=True)
    first_ns = np.full(len(alone_key), np.iinfo(np.int64).max)
    np.minimum.at(first_ns, alone_of, at[bursts[alone]])
    alone_is_function = np.zeros(len(alone_key), np.bool_)
    alone_is_function[alone_of] = is_negative
    last_ns = np.zeros(len(alone_key), np.int64)
    np.maximum.at(last_ns, alone_of, events.end_ns[bursts[alone]])

    # Of the runs without an event, functions with a known caller come first, then orphans; each
    # in order of time.
    alone_done = _first_done(events, alone_key, first_ns, done, done_key)
    caller = find_callers_of_functions(
        events, bursts[alone], alone_of, first_ns, alone_done, run_row, alone_is_function
    )
    order = np.lexsort((first_ns, caller < 0))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    burst_step[alone] = len(run_row) + place[alone_of]
    adopted = int((caller >= 0).sum())

    n, known = len(run_row) + len(alone_key), len(run_row) + adopted
    row = np.concatenate((run_row, caller[order]))
    key = np.concatenate((run_key, alone_key[order]))
    start = np.concatenate((at[run_row], first_ns[order]))
    is_orphan = np.arange(n) >= known
    is_function = (np.arange(n) >= len(runs)) & ~is_orphan
    is_function[len(run_row) :] |= alone_is_function[order]
    done_step = latest_before(key, start, done_key, at[done])
    end = _ends(events, row[:known], start, (bursts, burst_step), (done, done_step))
    end[: len(runs)] = events.end_ns[runs]
    end[known:] = last_ns[order][adopted:]

    called = done_step >= 0
    callers = Callers(bursts, burst_step).plus(Callers(done[called], done_step[called]))
    data = find_dataset_work(events, callers, row[:known])
    callers = callers.plus(data)
    up = find_direct_callers(events, row[:known], callers, n)
    root, is_data = find_roots(up), called_by_pipelines(events, row[:known], up)
    inside = callers.around(events, bare, row[:known])
    bursts = np.concatenate((bursts, bare[inside >= 0]))
    burst_step = np.concatenate((burst_step, inside[inside >= 0]))
    by_row = np.argsort(bursts)
    bursts, burst_step = bursts[by_row], burst_step[by_row]
    return Steps(
        row=np.where(is_orphan, -1, row),
        key=key,
        start_ns=start,
        end_ns=end,
        root=root,
        is_function=is_function,
        is_orphan=is_orphan,
        is_data=is_data,
        burst_row=bursts,
        burst_step=root[burst_step],
        burst_is_data=is_data[burst_step] | (innermost(events, data.row, bursts) >= 0),
        data_row=data.row,
        data_step=root[data.step],
    )


def _first_done(
    events: EventTable, key: Int64s, since_ns: Int64s, done: Int64s, done_key: Int64s
) -> Int64s:
    """(n,) begin of the first done callback with each key since that time, -1 if there is none."""
    found = earliest_after(done_key, events.start_ns[done], key, since_ns)
    if not len(done):
        return found
    return np.where(found >= 0, events.start_ns[done[np.maximum(found, 0)]], -1)


def _ends(
    events: EventTable,
    row: Int64s,
    start: Int64s,
    bursts: tuple[Int64s, Int64s],
    done: tuple[Int64s, Int64s],
) -> Int64s:
    """(steps,) begin of the last done callback of each; of a run without one see below.

    A run whose done callback the window cut off ends with its last burst if it lies inside a batch
    that was recorded whole; otherwise it lasts to the end of the recording.

    Args:
        events: Of the host plane.
        row: (k,) rows of the events of the first k steps.
        start: (steps,) begin of each.
        bursts: Rows of bursts, and the step of each.
        done: Rows of done callbacks, and the step of each or -1.
    """
    last = np.full(len(start), -1, np.int64)
    np.maximum.at(last, bursts[1], events.end_ns[bursts[0]])
    finish = np.full(len(start), -1, np.int64)
    of = done[1] >= 0
    np.maximum.at(finish, done[1][of], events.start_ns[done[0][of]])
    batch = events.rows_named(ev.PROCESS_BATCH)
    in_batch = innermost(events, batch, row)
    horizon = int(events.end_ns.max()) if len(events) else 0
    cut_off = np.full(len(start), horizon)
    limit = events.end_ns[batch[in_batch[in_batch >= 0]]]
    inside = np.flatnonzero(in_batch >= 0)
    cut_off[inside] = np.where(last[inside] >= 0, np.minimum(last[inside], limit), limit)
    return np.maximum(start, np.where(finish >= 0, finish, cut_off))
