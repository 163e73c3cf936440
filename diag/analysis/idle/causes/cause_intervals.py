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
        evidence: Events that show it, one entry for each kind, the best kind first.
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
    """Merge entries of the same cause; causes stay in the order of their first entry."""
    grouped: dict[IdleCause, list[CauseIntervals]] = {}
    for each in causes:
        grouped.setdefault(each.cause, []).append(each)
    return {cause: _merged(cause, group) for cause, group in grouped.items()}


def _merged(cause: IdleCause, group: list[CauseIntervals]) -> CauseIntervals:
    active = merge(*(each.active for each in group))
    # Sets may hold millions of intervals: where all are confirmed, they are merged only once.
    all_confirmed = all(each.confirmed is each.active for each in group)
    confirmed = active if all_confirmed else merge(*(each.confirmed for each in group))
    evidence = tuple(kind for each in group for kind in each.evidence)
    return CauseIntervals(cause, active, confirmed, evidence)
