"""When one cause of idle time holds, and which events show it."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.intervals.sets import EMPTY, merge, touching
from diag.model.gaps import IdleCause
from diag.model.intervals import IntervalSet


@dataclass(frozen=True, slots=True, eq=False)
class CauseIntervals:
    """When a cause holds, busy time included; the order of causes decides which pieces it gets.

    Attributes:
        cause: The cause.
        active: When it holds.
        confirmed: The part of ``active`` that events show directly, rather than rules, estimates
            or the absence of events.
        evidence: Events that show it, one entry a kind, the best kind first.
    """

    cause: IdleCause
    active: IntervalSet
    confirmed: IntervalSet = EMPTY
    evidence: tuple[EvidenceEvents, ...] = ()

    def between(self, low_ns: int, high_ns: int) -> CauseIntervals:
        """The intervals that touch a span of time, uncut; with all evidence."""
        active, confirmed = (touching(s, low_ns, high_ns) for s in (self.active, self.confirmed))
        return CauseIntervals(self.cause, active, confirmed, self.evidence)


def by_cause(causes: tuple[CauseIntervals, ...]) -> dict[IdleCause, CauseIntervals]:
    """Claims of one cause as one, in the order in which each cause comes first."""
    grouped: dict[IdleCause, list[CauseIntervals]] = {}
    for intervals in causes:
        grouped.setdefault(intervals.cause, []).append(intervals)
    return {cause: _as_one(cause, group) for cause, group in grouped.items()}


def _as_one(cause: IdleCause, group: list[CauseIntervals]) -> CauseIntervals:
    active = merge(*(intervals.active for intervals in group))
    # Sets of millions: what is confirmed throughout is not merged twice.
    is_shown = all(intervals.confirmed is intervals.active for intervals in group)
    confirmed = active if is_shown else merge(*(intervals.confirmed for intervals in group))
    return CauseIntervals(
        cause, active, confirmed, tuple(tier for intervals in group for tier in intervals.evidence)
    )
