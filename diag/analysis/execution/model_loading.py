"""Runs that load or warm up a model rather than answer a request."""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.op_class import rows_of_type
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable


def find_loading_steps(events: EventTable, lines: tuple[str, ...], steps: Steps) -> Bools:
    """(steps,) whether a step runs an op that loads a model, or replays warm-up records."""
    loading = np.zeros(len(steps), np.bool_)
    row = rows_of_type(events, ev.LOAD_OPS)
    burst = innermost(events, steps.burst_row, row)
    loading[steps.burst_step[burst[burst >= 0]]] = True
    runs = np.flatnonzero(~steps.is_orphan)
    runs = runs[np.argsort(steps.row[runs])]
    around = innermost(events, steps.row[runs], row[burst < 0])  # run inline, without a burst
    loading[steps.root[runs[around[around >= 0]]]] = True
    warm = np.array([name.startswith(ev.WARM_UP_THREADS) for name in lines], np.bool_)
    if warm.any():
        loading[runs] |= warm[events.line_index[steps.row[runs]]]
    return loading
