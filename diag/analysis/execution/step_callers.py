"""The events inside which steps call others, and the outermost step of each call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.joins import latest_before, take_known
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import Bools, EventTable, Int64s

# Limit of the depth of calls, as ids of a damaged file could form a cycle.
_CALL_DEPTH_MAX = 64


@dataclass(frozen=True, slots=True, eq=False)
class Callers:
    """Events that work for a step on their thread.

    These are bursts, done callbacks (a functional loop starts its next iteration from that of the
    one before) and the work of tf.data ops.

    Attributes:
        row: (n,) ascending event rows.
        step: (n,) step of each, not necessarily a root.
    """

    row: Int64s
    step: Int64s

    def around(self, events: EventTable, row: Int64s, runs: Int64s) -> Int64s:
        """(k,) step of the innermost caller, or run on its own thread, around each row, or -1."""
        every = np.concatenate((self.row, runs))
        step = np.concatenate((self.step, np.arange(len(runs))))
        order = np.argsort(every, kind="stable")
        found = innermost(events, every[order], row)
        return np.where(found >= 0, take_known(step[order], found), -1)

    def plus(self, other: Callers) -> Callers:
        """The callers of both."""
        row = np.concatenate((self.row, other.row))
        step = np.concatenate((self.step, other.step))
        order = np.argsort(row, kind="stable")
        return Callers(row[order], step[order])


def find_dataset_work(events: EventTable, callers: Callers, runs: Int64s) -> Callers:
    """The work of tf.data ops on threads of their own, which bears the id of its step.

    Args:
        events: Of the host plane.
        callers: Bursts and done callbacks of all steps.
        runs: (k,) rows of the events of the first k steps.
    """
    work = events.rows_where(lambda name: name.endswith(ev.DATASET_COMPUTE_ENDING))
    ids, at = events.stat(ev.STAT_ID), events.start_ns
    named = np.concatenate((runs, callers.row)) if len(work) else work
    step = np.concatenate((np.arange(len(runs)), callers.step)) if len(work) else work
    known = ids.at(named) != -1
    named, step = named[known], step[known]
    found = latest_before(ids.at(named), at[named], ids.at(work), at[work])
    return Callers(work[found >= 0], step[found[found >= 0]])


def find_direct_callers(events: EventTable, row: Int64s, callers: Callers, steps: int) -> Int64s:
    """(steps,) the step that called each step, or itself.

    A run is a call only inside a caller on the same thread. The run of a BatchFunction is on a
    batch thread, outside all of them, and so is a root step. Functions with one calling event are
    parts of the first of them.

    Args:
        events: Of the host plane.
        row: (k,) rows of the events of the first k steps.
        callers: The events inside which steps call others.
        steps: Number of steps.
    """
    up = np.arange(steps)
    around = innermost(events, callers.row, row)
    up[: len(row)][around >= 0] = callers.step[around[around >= 0]]
    _, first, same = np.unique(row, return_index=True, return_inverse=True)
    later = first[same] != np.arange(len(row))
    up[: len(row)][later] = first[same][later]
    return up


def find_roots(up: Int64s) -> Int64s:
    """(steps,) the outermost step that each step was called from."""
    root = up
    for _ in range(_CALL_DEPTH_MAX):
        above = root[root]
        if np.array_equal(above, root):
            break
        root = above
    return root


def called_by_pipelines(events: EventTable, row: Int64s, up: Int64s) -> Bools:
    """(steps,) functions that a tf.data pipeline called, directly or through other functions.

    Args:
        events: Of the host plane.
        row: (k,) rows of the events of the first k steps.
        up: (steps,) the step that called each step, or itself.
    """
    captured = events.rows_where(lambda name: name.startswith(ev.CAPTURED_FUNCTION_RUN))
    called = np.zeros(len(up), np.bool_)
    called[: len(row)] = innermost(events, captured, row) >= 0
    for _ in range(_CALL_DEPTH_MAX):
        more = called | called[up]
        if np.array_equal(more, called):
            break
        called = more
    return called
