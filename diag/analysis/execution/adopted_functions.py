"""Runs of functions that left no run event, and the event that called each.

Two kinds of calls leave none. A tf.data pipeline calls its functions within an
``InstantiatedCapturedFunction::Run…`` event that bears the id of their step (TensorFlow 2.3 to
2.21). The in-graph batcher of TensorFlow 2.3 runs its function within ``ProcessBatch`` and names no
id; there only time tells: the function begins and is done while the batch is processed.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.intervals.joins import latest_before, take_known
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s

# As many batches are looked at for one function: more do not overlap on any server.
_BATCHES_MAX = 64


def find_callers_of_functions(
    events: EventTable,
    burst: Int64s,
    group: Int64s,
    first_ns: Int64s,
    done_ns: Int64s,
    run: Int64s,
    is_function: Bools,
) -> Int64s:
    """(groups,) row of the event that called each function, or -1.

    Args:
        events: Of the host plane.
        burst: (k,) rows of the bursts without a run event.
        group: (k,) index of the id that each bears.
        first_ns: (groups,) begin of the first burst with the id.
        done_ns: (groups,) begin of the first done callback with the id, -1 if there is none. A
            burst may end after it.
        run: Rows of the run events.
        is_function: (groups,) whether the step id is one of functions.
    """
    caller = _captured(events, burst, group, first_ns)
    # A function is done before its batch is; a request that the window cut off is not.
    loose = np.flatnonzero((caller < 0) & (done_ns >= 0) & is_function)
    caller[loose] = _batched(events, first_ns[loose], done_ns[loose], run)
    return caller


def _captured(events: EventTable, burst: Int64s, group: Int64s, first_ns: Int64s) -> Int64s:
    row = events.rows_where(lambda name: name.startswith(ev.CAPTURED_FUNCTION_RUN))
    step_id = np.full(len(first_ns), -1, np.int64)
    step_id[group] = events.stat(ev.STAT_ID).at(burst)
    found = latest_before(events.stat(ev.STAT_ID).at(row), events.start_ns[row], step_id, first_ns)
    return np.where((found >= 0) & (step_id != -1), take_known(row, found), -1)


def _batched(events: EventTable, first_ns: Int64s, done_ns: Int64s, run: Int64s) -> Int64s:
    """Rows of the batches that were processed around each function; -1 if there is none.

    Of several such batches it is the one that ended first after the function: a batch ends when its
    function is done. Batches with a run event of their own are no candidates.
    """
    caller = np.full(len(first_ns), -1, np.int64)
    batch = events.rows_named(ev.PROCESS_BATCH)
    explained = innermost(events, batch, run)
    batch = np.delete(batch, explained[explained >= 0])
    batch = batch[np.argsort(events.end_ns[batch], kind="stable")]
    start, end = events.start_ns[batch], events.end_ns[batch]
    nearest = np.searchsorted(end, done_ns)
    for ahead in range(min(_BATCHES_MAX, len(batch))):
        at = np.minimum(nearest + ahead, len(batch) - 1)
        fits = (caller < 0) & (nearest + ahead < len(batch)) & (start[at] <= first_ns)
        caller[fits] = batch[at[fits]]
    return _without_later(caller, first_ns, done_ns)


def _without_later(caller: Int64s, first_ns: Int64s, done_ns: Int64s) -> Int64s:
    """The callers without runs that began after the batch's function was done.

    Those are the requests of the batch, which go on before it ends.
    """
    taken = np.flatnonzero(caller >= 0)
    taken = taken[np.lexsort((first_ns[taken], caller[taken]))]
    if len(taken):
        is_first = np.append(True, np.diff(caller[taken]) != 0)
        function = taken[is_first][np.cumsum(is_first) - 1]
        caller[taken[first_ns[taken] > done_ns[function]]] = -1
    return caller
