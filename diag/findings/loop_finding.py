"""How rules about Python loops make their findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace, Severity, Tier

if TYPE_CHECKING:
    from diag.findings.loop_inputs import LoopInputs
    from diag.model.availability import Unavailable
    from diag.model.finding import Check, CounterEvidence, Evidence, Gain
    from diag.model.gaps import Confidence


def loop_finding(
    inputs: LoopInputs,
    *,
    rule: str,
    cause: str,
    what: str,
    share: float,
    evidence: tuple[Evidence, ...],
    counter_evidence: tuple[CounterEvidence, ...],
    remedies: tuple[Remedy, ...],
    gain: Gain | Unavailable,
    verify: tuple[Check, ...],
    confidence: tuple[Confidence, str] | None = None,
    tier: Tier = Tier.REQUEST_TIME,
) -> Finding:
    """A finding about a part of the iterations' time.

    Args:
        inputs: Of the rule.
        rule: Its id.
        cause: The stage.
        what: The sentence.
        share: Of the iterations' time that is at stake, 0 to 1.
        evidence: Every number of the sentence.
        counter_evidence: What would speak against it.
        remedies: The advice first.
        gain: Of the advice.
        verify: Checks.
        confidence: With its reason; that of the iterations if None.
        tier: What it gives back.
    """
    sure, reason = confidence or (inputs.loops.confidence, inputs.loops.confidence_reason)
    is_critical = tier is Tier.REQUEST_TIME and share >= thresholds.CRITICAL_MIN_SHARE
    return Finding(
        id=rule,
        cause=cause,
        severity=Severity.CRITICAL if is_critical else Severity.WARNING,
        confidence=sure,
        confidence_reason=reason,
        what=what,
        evidence=evidence,
        counter_evidence=counter_evidence,
        remedies=remedies,
        gain=gain,
        verify=verify,
        rollback="Undo the change of the program.",
        tier=tier,
        at_stake_ns=share * inputs.mean_ns,
    )


def change(action: str, risk: str = "") -> Remedy:
    """A change of the program's code."""
    return Remedy(RemedyKind.CODE, RemedyPlace.PROGRAM, action, risk=risk)
