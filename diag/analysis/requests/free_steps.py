"""Which steps may be requests of their own: those that no batch ran and that load no model."""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.execution import Execution
from diag.analysis.intervals.nesting import innermost
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, Int64s

# Names of the batch threads' lines before the slash: TensorFlow's default and the model server's.
_BATCH_THREADS = frozenset({"batch_threads_", "model_server_batch_threads_"})


def find_free_steps(execution: Execution, linked: LinkedSteps) -> Bools:
    """(steps,) root steps of a ``SessionRun`` outside any batch, loading apart.

    A run on a batch thread is part of a batch, even if the window cut that batch off.
    """
    steps = linked.steps
    run = np.flatnonzero(~steps.is_orphan & ~steps.is_function & steps.is_root)
    batched = are_of_batches(execution, linked, steps.row[run])
    free = np.zeros(len(steps), np.bool_)
    free[run[~batched & ~execution.calls.loading[run]]] = True
    return free


def are_of_batches(execution: Execution, linked: LinkedSteps, row: Int64s) -> Bools:
    """(n,) whether each row lies in a batch, or on a batch thread: then the batch was cut off."""
    in_batch = innermost(execution.events, linked.batches.row, row) >= 0
    on_thread = _batch_threads(execution, linked)[execution.events.line_index[row]]
    return np.asarray(in_batch | on_thread, np.bool_)


def _batch_threads(execution: Execution, linked: LinkedSteps) -> Bools:
    """(lines,) whether a line is a batch thread.

    Threads of one pool share the name before the slash (``batch_threads_/7``). A thread of which
    the window cut off every batch is known by that name.
    """
    events, lines = execution.events, execution.lines
    merges = events.rows_named(ev.MERGE_INPUT_TENSORS, ev.CONCAT_INPUT_TENSORS)
    is_batch = np.zeros(max(len(lines), 1), np.bool_)
    is_batch[linked.batches.line] = True
    is_batch[events.line_index[merges]] = True
    with_batches = np.flatnonzero(is_batch[: len(lines)])
    pools = {lines[i].partition("/")[0] for i in with_batches} | _BATCH_THREADS
    for i, name in enumerate(lines):
        pool, slash, _ = name.partition("/")
        is_batch[i] |= bool(slash) and pool in pools
    return is_batch
