"""Calls of the functions in a pipeline: of which stage each is, when it ran, and what it ran."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.nesting import innermost
from diag.analysis.loops.iterators import Iterators
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s

PYTHON_OPS = ("EagerPyFunc", "PyFunc", "PyFuncStateless")


@dataclass(frozen=True, slots=True, eq=False)
class MapCalls:
    """Function calls with their executing bursts and ops.

    Attributes:
        pipeline: (n,) index of the pipeline; -1 unknown.
        path: (n,) index into ``Iterators.paths`` of the stage; -1 unknown.
        burst_call: (b,) call of each burst.
        burst_start_ns: (b,).
        burst_end_ns: (b,).
        op_call: (o,) call of each op event.
        op_row: (o,) its row.
    """

    pipeline: Int64s
    path: Int64s
    burst_call: Int64s
    burst_start_ns: Int64s
    burst_end_ns: Int64s
    op_call: Int64s
    op_row: Int64s

    def __len__(self) -> int:
        return len(self.path)


def find_map_calls(events: EventTable, iterators: Iterators) -> MapCalls:
    """All calls of captured functions, joined with their bursts by the id of their step."""
    runs = events.rows_where(lambda name: name.startswith(ev.CAPTURED_FUNCTION_RUN))
    pipeline, path = _stages(events, iterators, runs)
    ids = events.stat(ev.STAT_ID).at(runs, default=0)
    known, first = np.unique(ids, return_index=True)
    runs, pipeline, path = runs[first], pipeline[first], path[first]
    bursts = events.rows_named(ev.EXECUTOR_PROCESS)
    call = _of(known, events.stat(ev.STAT_ID).at(bursts, default=0))
    bursts, call = bursts[call >= 0], call[call >= 0]
    start, end = events.start_ns[bursts], events.end_ns[bursts]
    # A function in the caller's own thread runs during the event of its call.
    done = events.rows_named(ev.EXECUTOR_DONE_CALLBACK)
    done_call = _of(known, events.stat(ev.STAT_ID).at(done, default=0))
    stop = np.full(len(known), np.iinfo(np.int64).max)
    np.minimum.at(stop, done_call[done_call >= 0], events.start_ns[done[done_call >= 0]])
    end = np.maximum(np.minimum(end, stop[call]), start)
    ops = events.rows_where(_is_op)
    around = innermost(events, bursts, ops)
    found = around >= 0
    return MapCalls(pipeline, path, call, start, end, call[around[found]], ops[found])


def _is_op(name: str) -> bool:
    node, _, op = name.rpartition(":")
    return bool(node) and not node.endswith(":") and op.replace("_", "").isalnum()


def _of(known: Int64s, ids: Int64s) -> Int64s:
    """(n,) position of each id in the sorted known ones; -1 if it is not there."""
    if not len(known):
        return np.full(len(ids), -1, np.int64)
    at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.asarray(np.where(known[at] == ids, at, -1), np.int64)


def _stages(events: EventTable, iterators: Iterators, runs: Int64s) -> tuple[Int64s, Int64s]:
    """The stage of each call: the iterator around it, or that whose ``Produce`` is around it.

    Of a ``Produce`` event, the stage is the parent of the iterator in it, which gives its input.
    """
    inner = innermost(events, iterators.rows, runs)
    produces = events.rows_where(lambda name: name.endswith(ev.PRODUCE_ENDING) and "::" not in name)
    around = innermost(events, produces, runs)
    inputs = innermost(events, produces, iterators.rows)
    parent = {path: k for k, path in enumerate(iterators.paths)}
    above = np.array(
        [parent.get(path.rpartition("::")[0], -1) for path in iterators.paths], np.int64
    )
    of_produce = np.full((len(produces), 2), -1, np.int64)
    order = np.argsort(-iterators.rows)  # the first input of each is written last
    some = order[inputs[order] >= 0]
    of_produce[inputs[some], 0] = iterators.pipeline[some]
    of_produce[inputs[some], 1] = above[iterators.path[some]]
    pipeline, path = np.full(len(runs), -1, np.int64), np.full(len(runs), -1, np.int64)
    if len(produces):
        has = around >= 0
        pipeline[has], path[has] = of_produce[around[has]].T
    # Nearer than the Produce event: the function of a sequential stage below it.
    has = inner >= 0
    nearer = has & ((around < 0) | (iterators.rows[np.maximum(inner, 0)] > _row(produces, around)))
    pipeline[nearer] = iterators.pipeline[inner[nearer]]
    path[nearer] = iterators.path[inner[nearer]]
    return pipeline, path


def _row(rows: Int64s, at: Int64s) -> Int64s:
    return rows[np.maximum(at, 0)] if len(rows) else np.full(len(at), -1, np.int64)
