"""How sure the cause of a piece is, and which cause would hold instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.order import NEARNESS
from diag.analysis.intervals.sets import covered_between
from diag.analysis.thresholds import RUNNER_UP_MIN_SHARE, SHOWN_MIN_SHARE
from diag.model.events import Bools, Int64s, Ints
from diag.model.gaps import CONFIDENCES, IDLE_CAUSES, Confidence, IdleCause
from diag.model.intervals import IntervalSet

_LOW, _MEDIUM, _HIGH = (
    CONFIDENCES.index(each) for each in (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
)
# Guesses, whatever is there; and what is no evidence for anything else.
GUESSES = (IdleCause.INGRESS, IdleCause.TRACE_EDGE, IdleCause.UNEXPLAINED)
NO_RUNNERS_UP = (IdleCause.TRACE_EDGE, IdleCause.UNEXPLAINED, IdleCause.NO_DEMAND)


@dataclass(frozen=True, slots=True, eq=False)
class RunnersUp:
    """Of each piece, the other cause that covers most of it.

    Attributes:
        index: (n,) int8 into ``IDLE_CAUSES``, -1 if none covers any.
        share: (n,) of the piece that it covers, 0 to 1.
    """

    index: Ints
    share: NDArray[np.float64]


def find_runners_up(
    causes: dict[IdleCause, CauseIntervals], start_ns: Int64s, end_ns: Int64s, cause_index: Ints
) -> RunnersUp:
    """Of two that cover as much the one that precedes: it would hold if the cause did not.

    Args:
        causes: By cause, in order of precedence.
        start_ns: (n,) of the pieces, ascending and disjoint.
        end_ns: (n,).
        cause_index: (n,) their causes.
    """
    most = np.zeros(len(start_ns), np.int64)
    index = np.full(len(start_ns), -1, np.int8)
    for cause, intervals in causes.items():
        if cause in NO_RUNNERS_UP or not len(intervals.active):
            continue
        touched = _touched(intervals.active, start_ns, end_ns) & (cause_index != cause.index)
        other = np.flatnonzero(touched)
        covered = covered_between(intervals.active, start_ns[other], end_ns[other])
        better = covered > most[other]
        most[other[better]], index[other[better]] = covered[better], cause.index
    return RunnersUp(index, most / np.maximum(end_ns - start_ns, 1))


def _touched(active: IntervalSet, start_ns: Int64s, end_ns: Int64s) -> Bools:
    """(n,) whether the set covers any of each piece: most causes touch few of many pieces."""
    first = np.searchsorted(end_ns, active.start_ns, side="right")
    last = np.searchsorted(start_ns, active.end_ns, side="left")
    inside = last > first
    pieces = len(start_ns) + 1
    begun = np.bincount(first[inside], minlength=pieces)
    over = np.bincount(last[inside], minlength=pieces)
    return np.asarray(np.cumsum(begun - over)[:-1] > 0, np.bool_)


def judge(
    causes: dict[IdleCause, CauseIntervals],
    start_ns: Int64s,
    end_ns: Int64s,
    cause_index: Ints,
    runners_up: RunnersUp,
    *,
    error_ns: int,
    is_checked: bool,
    sure_of_no_demand: bool,
) -> Ints:
    """(n,) int8 into ``CONFIDENCES``.

    High: events show the cause over nine tenths of the piece, and no other cause as near to the
    device holds for half of it. Medium: a rule, an estimate or the absence of events says so. Low:
    a guess, or a piece no longer than the error of the device's clock.

    Args:
        causes: By cause.
        start_ns: (n,) of the pieces.
        end_ns: (n,).
        cause_index: (n,) their causes.
        runners_up: Theirs.
        error_ns: Of the device's clock against the host's; 0 on the host's own timeline.
        is_checked: Whether any launch tells that error; without, no join across is high.
        sure_of_no_demand: Whether a request would have left a mark.
    """
    length = end_ns - start_ns
    out = np.full(len(start_ns), _MEDIUM, np.int8)
    for cause, intervals in causes.items():
        mine = np.flatnonzero(cause_index == cause.index)
        if len(mine) and len(intervals.confirmed):
            confirmed = covered_between(intervals.confirmed, start_ns[mine], end_ns[mine])
            out[mine[confirmed >= SHOWN_MIN_SHARE * length[mine]]] = _HIGH
    nearness = np.array([NEARNESS[cause] for cause in IDLE_CAUSES])
    runner = runners_up.index
    rivalled = (runner >= 0) & (nearness[np.maximum(runner, 0)] == nearness[cause_index])
    out[rivalled & (runners_up.share >= RUNNER_UP_MIN_SHARE) & (out == _HIGH)] = _MEDIUM
    if not is_checked:
        out[out == _HIGH] = _MEDIUM
    no_demand = cause_index == IdleCause.NO_DEMAND.index
    out[no_demand] = _HIGH if sure_of_no_demand else _MEDIUM
    out[np.isin(cause_index, [cause.index for cause in GUESSES])] = _LOW
    out[length <= error_ns] = _LOW
    return out
