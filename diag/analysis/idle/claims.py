"""A claim: one cause, when it holds, what shows it."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.columns.intervals import EMPTY, Set, merge, touching
from diag.analysis.idle.evidence import Witnesses
from diag.model.gaps import IdleCause


@dataclass(frozen=True, slots=True)
class Claim:
    """When a cause holds, busy time included: precedence decides what of it becomes a piece.

    Attributes:
        cause: The cause.
        claimed: When it holds.
        shown: As far as events say so by themselves, rather than rules, estimates or the absence
            of events.
        witnesses: Events that show it, by kind, the best kind first.
    """

    cause: IdleCause
    claimed: Set
    shown: Set = EMPTY
    witnesses: tuple[Witnesses, ...] = ()

    def between(self, low_ns: int, high_ns: int) -> Claim:
        """What of it touches a stretch of time, uncut; with all witnesses."""
        claimed, shown = (touching(s, low_ns, high_ns) for s in (self.claimed, self.shown))
        return Claim(self.cause, claimed, shown, self.witnesses)


def by_cause(claims: tuple[Claim, ...]) -> dict[IdleCause, Claim]:
    """Claims of one cause as one, in the order in which each cause comes first."""
    grouped: dict[IdleCause, list[Claim]] = {}
    for claim in claims:
        grouped.setdefault(claim.cause, []).append(claim)
    return {cause: _as_one(cause, group) for cause, group in grouped.items()}


def _as_one(cause: IdleCause, group: list[Claim]) -> Claim:
    claimed = merge(*(claim.claimed for claim in group))
    # Sets of millions: what is shown throughout is not merged twice.
    is_shown = all(claim.shown is claim.claimed for claim in group)
    shown = claimed if is_shown else merge(*(claim.shown for claim in group))
    return Claim(cause, claimed, shown, tuple(tier for claim in group for tier in claim.witnesses))
