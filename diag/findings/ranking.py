"""All rules over one Analysis, and the order of what they find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.inputs import rule_inputs
from diag.findings.rules import RULES
from diag.findings.without_requests import without_requests
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis.result import Analysis
    from diag.model.finding import Finding


def run_rules(analysis: Analysis) -> tuple[Finding, ...]:
    """Everything that any rule finds, the most important first; empty for a healthy server."""
    inputs = rule_inputs(analysis)
    if isinstance(inputs, Unavailable):
        return (without_requests(analysis),)
    found = (rule.find(inputs) for rule in RULES)
    return rank(finding for finding in found if finding is not None)


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By tier, then by the time they give back, most first; ties by id, so that the order is fixed.

    See docs/decisions/0023.
    """
    return tuple(sorted(findings, key=lambda f: (f.tier, -f.at_stake_ns, f.id)))
