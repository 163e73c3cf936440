"""Work of tf.data inside steps, on whatever thread it was done.

It prepares an input of a later op, so that all of it is preprocessing. Four kinds of events show
it:

- a ``ProcessAsync`` pair of a tf.data op, from its start to its callback (TensorFlow 2.15 on);
- ``ReduceDatasetOp::DoCompute`` and its like on a thread of the op, which bear the step's id;
- before 2.15 the op's own event, which covers only its launch: the step then waits for its work;
- bursts of functions that the pipeline called.

In TensorFlow 2.3 ``ReduceDataset`` has no ``DoCompute``: the last event of its iterators before
the step's last burst is the end of its work.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.async_ops import AsyncOps
from diag.analysis.execution.op_class import DATASET_OPS, PIPELINE_OPS
from diag.analysis.execution.parts import StepIntervals
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.joins import earliest_after
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s


def find_dataset_intervals(events: EventTable, steps: Steps, ops: AsyncOps) -> StepIntervals:
    """When tf.data worked for each root step, in any order; intervals may overlap."""
    is_dataset = np.array([bool(DATASET_OPS.fullmatch(name)) for name in events.names], np.bool_)
    op = np.flatnonzero((ops.step >= 0) & (ops.done_ns >= 0))
    op = op[np.append(is_dataset, False)[ops.kernel[op]]]
    return StepIntervals.concat(
        [
            StepIntervals(ops.step[op], ops.start_ns[op], ops.done_ns[op]),
            _of_rows(events, steps.data_step, steps.data_row),
            _of_rows(
                events,
                steps.burst_step[steps.burst_is_data],
                steps.burst_row[steps.burst_is_data],
            ),
            _launched(events, steps),
        ]
    )


def _of_rows(events: EventTable, step: Int64s, row: Int64s) -> StepIntervals:
    return StepIntervals(step, events.start_ns[row], events.end_ns[row])


def _launched(events: EventTable, steps: Steps) -> StepIntervals:
    """From the launch of an op that runs a pipeline to the end of its work on another thread."""
    row = events.rows_where(lambda name: bool(PIPELINE_OPS.fullmatch(name.rpartition(":")[2])))
    burst = innermost(events, steps.burst_row, row)
    row, burst = row[burst >= 0], burst[burst >= 0]
    if not len(row):
        return StepIntervals.concat([])
    step, start = steps.burst_step[burst], events.start_ns[row]
    worked = earliest_after(steps.data_step, events.start_ns[steps.data_row], step, start)
    last_burst = np.full(len(steps), -1, np.int64)
    np.maximum.at(last_burst, steps.burst_step, events.start_ns[steps.burst_row])
    end = _last_iteration(events, events.end_ns[row], last_burst[step])
    known = worked >= 0
    end[known] = events.end_ns[steps.data_row[worked[known]]]
    return StepIntervals(step, start, end)


def _last_iteration(events: EventTable, since_ns: Int64s, until_ns: Int64s) -> Int64s:
    """(n,) end of the last event of a reduction's iterators in each span, else the span's begin."""
    row = events.rows_where(lambda name: name.startswith(ev.REDUCE_ITERATOR))
    end = np.sort(events.end_ns[row])
    last = np.append(end, -1)[np.searchsorted(end, until_ns, side="right") - 1]
    return np.asarray(np.maximum(since_ns, last), np.int64)
