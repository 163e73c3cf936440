"""All rules over one Analysis, and the order of what they find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.disturbance import undisturbed
from diag.findings.inputs import rule_inputs
from diag.findings.rules import RULES
from diag.findings.without_requests import without_requests
from diag.model.availability import Unavailable
from diag.model.finding import Tier
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.finding import Finding


def run_rules(analysis: Analysis) -> tuple[Finding, ...]:
    """Everything that any rule finds, the most important first; empty for a healthy server."""
    inputs = rule_inputs(analysis)
    if isinstance(inputs, Unavailable):
        return (without_requests(analysis),)
    found = (rule.find(inputs) for rule in RULES)
    ranked = rank(finding for finding in found if finding is not None)
    return _without_echoes(inputs, ranked)


def _without_echoes(inputs: RuleInputs, ranked: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Without findings that only see the time of a disturbance again, in the stages it stopped.

    What remains is also found in the requests that the disturbance did not touch.
    """
    if not ranked or ranked[0].tier is not Tier.DISTURBANCE:
        return ranked
    others = undisturbed(inputs, IdleCause(ranked[0].cause))
    if others is None:
        return tuple(f for f in ranked if f.tier is not Tier.REQUEST_TIME)
    again = {rule.id for rule in RULES if rule.find(others) is not None}
    return tuple(f for f in ranked if f.tier is not Tier.REQUEST_TIME or f.id in again)


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By tier, then by the time they give back, most first; ties by id, so that the order is fixed.

    See docs/decisions/0023.
    """
    return tuple(sorted(findings, key=lambda f: (f.tier, -f.at_stake_ns, f.id)))
