"""The events inside which steps call others, and the outermost step of each call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.joins import latest_before
from diag.analysis.intervals.nesting import innermost
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int64s


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
        return np.where(found >= 0, _pick(step[order], found), -1)


def find_callers(events: EventTable, row: Int64s, step: Int64s, runs: Int64s) -> Callers:
    """Add the work of tf.data ops, which bears the id of its step, to bursts and callbacks.

    Args:
        events: Of the host plane.
        row: (n,) rows of bursts and of done callbacks.
        step: (n,) step of each, -1 if none.
        runs: (k,) rows of the events of the first k steps.
    """
    row, step = row[step >= 0], step[step >= 0]
    work = events.rows_where(lambda name: name.endswith(ev.DATASET_COMPUTE_ENDING))
    if len(work):
        ids, at = events.stat(ev.STAT_ID), events.start_ns
        named = np.concatenate((runs, row))
        of_named = np.concatenate((np.arange(len(runs)), step))
        known = ids.at(named) != -1
        named, of_named = named[known], of_named[known]
        found = latest_before(ids.at(named), at[named], ids.at(work), at[work])
        row = np.concatenate((row, work[found >= 0]))
        step = np.concatenate((step, of_named[found[found >= 0]]))
    order = np.argsort(row, kind="stable")
    return Callers(row[order], step[order])


def find_roots(events: EventTable, row: Int64s, callers: Callers, steps: int) -> Int64s:
    """(steps,) the outermost step that each step was called from.

    A run is a call only inside a caller on the same thread. The run of a BatchFunction is on a
    batch thread, outside all of them, and so is a root step. Functions with one calling event are
    parts of the first of them.

    Args:
        events: Of the host plane.
        row: (k,) rows of the events of the first k steps.
        callers: The events inside which steps call others.
        steps: Number of steps.
    """
    root = np.arange(steps)
    around = innermost(events, callers.row, row)
    root[: len(row)][around >= 0] = callers.step[around[around >= 0]]
    _, first, same = np.unique(row, return_index=True, return_inverse=True)
    later = first[same] != np.arange(len(row))
    root[: len(row)][later] = first[same][later]
    for _ in range(64):  # call depth; limited, as ids of a damaged file could form a cycle
        above = root[root]
        if np.array_equal(above, root):
            break
        root = above
    return root


def _pick(values: Int64s, index: Int64s) -> Int64s:
    return values[np.maximum(index, 0)] if len(values) else np.full(len(index), -1, np.int64)
