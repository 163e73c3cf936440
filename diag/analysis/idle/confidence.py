"""How confident the cause of each piece is, and which cause would be next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.certainty import Certainty
from diag.analysis.intervals.sets import covered_between
from diag.analysis.thresholds import RUNNER_UP_MIN_SHARE, SHOWN_MIN_SHARE
from diag.model.events import Bools, Int64s, Ints
from diag.model.gaps import CONFIDENCES, IDLE_CAUSES, Confidence, IdleCause
from diag.model.intervals import IntervalSet

_LOW, _MEDIUM, _HIGH = (
    CONFIDENCES.index(each) for each in (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
)
# Causes that are always guesses, and causes that never speak against another one.
GUESSES = (IdleCause.INGRESS, IdleCause.TRACE_EDGE, IdleCause.UNEXPLAINED)
NO_RUNNERS_UP = (IdleCause.TRACE_EDGE, IdleCause.UNEXPLAINED, IdleCause.NO_DEMAND)

# How far from the device the events of a cause are: of two causes with one number, neither rules
# the other out. A driver call is nearer than the step around it.
DISTANCE = {
    IdleCause.PROFILER: 0,
    IdleCause.THROTTLED: 0,
    IdleCause.ALLOCATOR: 1,
    IdleCause.COLD_START: 1,
    IdleCause.TRANSFER: 1,
    IdleCause.LAUNCH: 2,
    IdleCause.PREPROCESS: 3,
    IdleCause.MODEL_LOAD: 3,
    IdleCause.QUEUE_EXECUTOR: 3,
    IdleCause.BATCH_THREADS_IN_HOST_WORK: 4,
    IdleCause.QUEUE_DISPATCH: 4,
    IdleCause.QUEUE_FILL: 5,
    IdleCause.SYNC_OR_OUTPUT: 6,
    IdleCause.INGRESS: 7,
    IdleCause.TRACE_EDGE: 7,
    IdleCause.UNEXPLAINED: 8,
    IdleCause.NO_DEMAND: 9,
}


@dataclass(frozen=True, slots=True, eq=False)
class IdlePieces:
    """Idle time of one timeline, cut where its cause changes.

    Attributes:
        start_ns: (n,) ascending.
        end_ns: (n,) half-open; pieces are disjoint.
        cause_index: (n,) int8 into ``IDLE_CAUSES``.
    """

    start_ns: Int64s
    end_ns: Int64s
    cause_index: Ints

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def length_ns(self) -> Int64s:
        """(n,) length of each."""
        return self.end_ns - self.start_ns

    def within(self, some: slice) -> IdlePieces:
        """A range of them, not copied."""
        return IdlePieces(self.start_ns[some], self.end_ns[some], self.cause_index[some])


@dataclass(frozen=True, slots=True, eq=False)
class RunnersUp:
    """Of each piece, the other cause that covers most of it.

    Attributes:
        index: (n,) int8 into ``IDLE_CAUSES``, -1 if no other cause covers any of the piece.
        share: (n,) covered part of the piece, 0 to 1.
    """

    index: Ints
    share: NDArray[np.float64]


def find_runners_up(causes: dict[IdleCause, CauseIntervals], pieces: IdlePieces) -> RunnersUp:
    """Find the cause that would hold if that of the piece did not.

    Of two that cover as much, the one that comes first in ``causes``.

    Args:
        causes: By cause, in order of precedence.
        pieces: The pieces to judge.
    """
    most = np.zeros(len(pieces), np.int64)
    index = np.full(len(pieces), -1, np.int8)
    for cause, intervals in causes.items():
        if cause in NO_RUNNERS_UP or not len(intervals.active):
            continue
        touched = _touched(intervals.active, pieces) & (pieces.cause_index != cause.index)
        other = np.flatnonzero(touched)
        covered = covered_between(intervals.active, pieces.start_ns[other], pieces.end_ns[other])
        better = covered > most[other]
        most[other[better]], index[other[better]] = covered[better], cause.index
    return RunnersUp(index, most / np.maximum(pieces.length_ns, 1))


def _touched(active: IntervalSet, pieces: IdlePieces) -> Bools:
    """(n,) whether the set covers any of each piece; cheap, as most causes touch few pieces."""
    first = np.searchsorted(pieces.end_ns, active.start_ns, side="right")
    last = np.searchsorted(pieces.start_ns, active.end_ns, side="left")
    inside = last > first
    begun = np.bincount(first[inside], minlength=len(pieces) + 1)
    over = np.bincount(last[inside], minlength=len(pieces) + 1)
    return np.asarray(np.cumsum(begun - over)[:-1] > 0, np.bool_)


def judge(
    causes: dict[IdleCause, CauseIntervals],
    pieces: IdlePieces,
    runners_up: RunnersUp,
    certainty: Certainty,
) -> Ints:
    """(n,) int8 into ``CONFIDENCES``.

    High: events show the cause over nine tenths of the piece, and no cause at the same distance
    from the device holds for half of it. Medium: the cause follows from a rule, an estimate or the
    absence of events. Low: a guess, or a piece no longer than the error of the device's clock.

    Args:
        causes: By cause.
        pieces: The pieces to judge.
        runners_up: Their runners-up.
        certainty: Of the timeline.
    """
    length, cause_index = pieces.length_ns, pieces.cause_index
    out = np.full(len(pieces), _MEDIUM, np.int8)
    for cause, intervals in causes.items():
        mine = np.flatnonzero(cause_index == cause.index)
        if len(mine) and len(intervals.confirmed):
            start_ns, end_ns = pieces.start_ns[mine], pieces.end_ns[mine]
            confirmed = covered_between(intervals.confirmed, start_ns, end_ns)
            out[mine[confirmed >= SHOWN_MIN_SHARE * length[mine]]] = _HIGH
    distance = np.array([DISTANCE[cause] for cause in IDLE_CAUSES])
    runner = runners_up.index
    rivalled = (runner >= 0) & (distance[np.maximum(runner, 0)] == distance[cause_index])
    out[rivalled & (runners_up.share >= RUNNER_UP_MIN_SHARE) & (out == _HIGH)] = _MEDIUM
    if not certainty.clock_is_checked:
        out[out == _HIGH] = _MEDIUM
    no_demand = cause_index == IdleCause.NO_DEMAND.index
    out[no_demand] = _HIGH if certainty.shows_all_requests else _MEDIUM
    out[np.isin(cause_index, [cause.index for cause in GUESSES])] = _LOW
    out[length <= certainty.clock_error_ns] = _LOW
    return out
