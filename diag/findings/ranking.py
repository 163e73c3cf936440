"""All rules over one Analysis, and the order of what they find."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from diag.findings.disturbance import undisturbed
from diag.findings.failed import failed_requests
from diag.findings.failure_finding import FailureInputs
from diag.findings.inputs import rule_inputs
from diag.findings.loop_inputs import loop_inputs
from diag.findings.rules import FAILURE_RULES, LOOP_RULES, RULES
from diag.findings.simulated_gain import with_simulated_gains
from diag.findings.sources import KNOWN_SCHEDULER, NotLookedFor, first_missing
from diag.findings.without_requests import without_requests
from diag.model.availability import Unavailable
from diag.model.finding import Said, Severity, Tier
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.finding import Finding


# Gains are simulated, which takes seconds: a report, its exit status and its charts share them. An
# entry ends with its analysis.
_found_before: WeakKeyDictionary[Analysis, tuple[Finding, ...]] = WeakKeyDictionary()


def run_rules(analysis: Analysis) -> tuple[Finding, ...]:
    """Everything that any rule finds, the most important first; empty for a healthy server."""
    found = _found_before.get(analysis)
    if found is None:
        found = _found_before[analysis] = _run_rules(analysis)
    return found


def _run_rules(analysis: Analysis) -> tuple[Finding, ...]:
    failed = FailureInputs(analysis, failed_requests(analysis))
    failures = _found(rule.find(failed) for rule in FAILURE_RULES)
    inputs, loop = rule_inputs(analysis), loop_inputs(analysis)
    if not isinstance(loop, Unavailable):
        return _found(rule.find(loop) for rule in LOOP_RULES)
    if isinstance(inputs, Unavailable):
        return with_simulated_gains(analysis, failures) or (without_requests(analysis),)
    rules = RULES
    if KNOWN_SCHEDULER.missing(analysis) is not None:  # these would apply another one's rules
        rules = tuple(rule for rule in RULES if KNOWN_SCHEDULER not in rule.needs)
    ranked = _found(rule.find(inputs) for rule in rules)
    ordered = _without_asides(rank((*failures, *_without_echoes(inputs, ranked))))
    return with_simulated_gains(analysis, ordered)


def leading(findings: Iterable[Finding]) -> Finding | None:
    """The finding that the verdict is about: the first one that is no mere note.

    Args:
        findings: Ranked, as ``run_rules`` returns them.
    """
    first = next(iter(findings), None)
    if first is None or (first.tier is Tier.NOTE and first.severity is Severity.INFO):
        return None
    return first


def not_looked_for(analysis: Analysis) -> tuple[NotLookedFor, ...]:
    """The rules whose source is missing in a capture, by id, and what each of them lacks."""
    lacking = ((rule.id, first_missing(analysis, rule.needs)) for rule in RULES)
    return tuple(NotLookedFor(id_, each.reason) for id_, each in lacking if each is not None)


def _without_asides(ranked: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Without what the verdict says in its own sentences where another finding comes first.

    These are who else uses the CPU, and how long no request was open. That nothing has to be
    changed, which a finding about spare capacity says, would contradict the first one.
    """
    return ranked[:1] + tuple(f for f in ranked[1:] if not _is_aside(f))


def _is_aside(finding: Finding) -> bool:
    is_calm = finding.tier is Tier.CAPACITY and finding.severity is Severity.INFO
    return Said.NEIGHBOURS in finding.says or is_calm


def _found(findings: Iterable[Finding | None]) -> tuple[Finding, ...]:
    return rank(finding for finding in findings if finding is not None)


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
