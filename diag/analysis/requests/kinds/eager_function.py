"""Requests that call a function with an in-graph batcher, without a session around it.

A server of its own around a SavedModel or a ``tf.function`` runs no ``SessionRun``: the function's
run is the request, with the eager call around it where that was recorded.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.analysis.intervals.joins import earliest_after
from diag.analysis.intervals.nesting import innermost
from diag.analysis.requests.free_steps import are_of_batches
from diag.analysis.requests.kinds import batch_function
from diag.analysis.requests.kinds.kind import KindInputs, Roots
from diag.analysis.requests.rows import Rows
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, Int64s
from diag.model.serving import Stage

LINK = "FunctionRun step_id, then ScheduleOutputTask._p = ProcessBatch._c"


def find(inputs: KindInputs, free: Bools) -> Roots:
    """Functions with such a call that no step, batch or tf.data pipeline called.

    The event ``FunctionRun`` covers only the launch. So a request that the window cut off is known
    by its end: it has no done callback, or no eager call around it on a thread that makes them.
    """
    del free  # of sessions only
    linked, events = inputs.linked, inputs.events
    steps, ops = linked.steps, linked.ops
    calling = batch_function.steps_with(np.flatnonzero(ops.is_batch), ops, len(steps))
    refused = batch_function.steps_with(batch_function.refused_calls(inputs), ops, len(steps))
    alone = steps.is_function & steps.is_root & ~steps.is_orphan & ~steps.is_data
    step = np.flatnonzero(alone & calling & ~refused)
    step = step[~are_of_batches(inputs.execution, linked, steps.row[step])]
    row = steps.row[step]
    eager = events.rows_where(lambda name: name.startswith(ev.EAGER_CALL))
    around = innermost(events, eager, row)
    is_eager = np.isin(events.line_index[row], events.line_index[eager])
    whole = np.where(is_eager, around >= 0, _is_done(inputs, step))
    root = np.where(around >= 0, eager[around], row) if len(eager) else row
    return Roots(root[whole], step[whole], step, censored=int((~whole).sum()))


def _is_done(inputs: KindInputs, step: Int64s) -> Bools:
    """(n,) whether the done callback of each step was recorded."""
    events, steps = inputs.events, inputs.linked.steps
    done = events.rows_named(ev.EXECUTOR_DONE_CALLBACK)
    key, at = events.stat(ev.STAT_CONSUMER_ID).at(done), events.start_ns[done]
    return earliest_after(key, at, steps.key[step], steps.start_ns[step]) >= 0


def tile(inputs: KindInputs, roots: Roots) -> Rows:
    """The stages of the function; the eager call before it is scheduling, after it completion."""
    events, steps, step = inputs.events, inputs.linked.steps, roots.step
    rows = batch_function.step_rows(inputs, roots, LINK)
    own = roots.row == steps.row[step]
    start = np.where(own, steps.start_ns[step], events.start_ns[roots.row])
    start = np.minimum(start, steps.start_ns[step])
    end = np.where(own, steps.end_ns[step], events.end_ns[roots.row])
    end = np.maximum(end, steps.end_ns[step])
    stage_ns = rows.stage_ns.copy()
    stage_ns[:, Stage.SCHEDULE.index] += steps.start_ns[step] - start
    stage_ns[:, Stage.POSTPROCESS.index] += end - steps.end_ns[step]
    known = rows.stage_known | (stage_ns > 0)
    return replace(rows, start_ns=start, end_ns=end, stage_ns=stage_ns, stage_known=known)
