"""Requests that look fast because the trace does not show that a batcher refused them.

TensorFlow before 2.15 records no event of a ``BatchFunction`` op. A call that its scheduler refuses
(a task that is too large, a full queue) then leaves nothing either: the run ends at once, and no op
of it is recorded (recorded with 2.3.4 and 2.13.1).
"""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.execution import Execution
from diag.analysis.execution.op_class import OpClass
from diag.analysis.intervals.nesting import innermost
from diag.analysis.requests.rows import RequestSources
from diag.formats.trace import event_names as ev
from diag.model.serving import MODES, Mode, RequestTable

# Events of versions that record the call itself: of 2.15 and later, where any asynchronous op ran,
# and of those that mark thread pools (recorded with 2.18.1 and later).
_LATER = (ev.PROCESS_ASYNC_START, *ev.THREADPOOL_MARKS)


def count_unseen_refusals(
    execution: Execution, requests: RequestTable, sources: RequestSources
) -> int:
    """How many requests may be such: unbatched, without any op, in a process with batch threads.

    A model that does next to nothing looks like that as well, as ops of a few microseconds are not
    recorded. 0 where the trace is of a version that records the call.
    """
    events, steps = execution.events, execution.steps
    has_batcher = len(events.rows_named(*ev.BATCHER_EVENTS, ev.BATCH_TASK_EMPTY))
    if not has_batcher or len(events.rows_named(*_LATER)):
        return 0
    is_op = execution.op_class[events.name_id] != OpClass.NOT_AN_OP
    burst = innermost(events, steps.burst_row, np.flatnonzero(is_op))
    ran_op = np.zeros(len(steps), np.bool_)
    ran_op[steps.burst_step[burst[burst >= 0]]] = True
    unbatched = requests.mode_index == MODES.index(Mode.UNBATCHED)
    unbatched &= requests.complete & (sources.step >= 0)
    return int(np.count_nonzero(~ran_op[sources.step[unbatched]]))
