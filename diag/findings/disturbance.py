"""Disturbances: what stops every request in the server, whatever stage it is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.distribution import describe
from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.shares import sum_shares, window_ratio
from diag.findings.waits import IDLE, severity_of
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Gain, Source, Tier
from diag.model.gaps import CONFIDENCES, Confidence, IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.model.events import Bools
    from diag.model.finding import Check, Remedy

_LOW = CONFIDENCES.index(Confidence.LOW)
# Idle time without demand or without an explanation is no rival for the largest cause.
_NOT_NAMED = frozenset({IdleCause.NO_DEMAND, IdleCause.UNEXPLAINED, IdleCause.TRACE_EDGE})


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Idle time of one cause with requests open, without guesses.

    Attributes:
        ratio: Of the window.
        request_ns: Time that it took from the mean request: its length times the requests that
            were open, over all complete requests.
        is_largest: Whether no other cause of idle time is larger.
        start_ns: Of its longest piece, ns since the capture's origin.
        end_ns: Half-open end of the same piece.
    """

    cause: IdleCause
    ratio: float
    request_ns: float
    is_largest: bool
    start_ns: int
    end_ns: int


def pieces_of(inputs: RuleInputs, cause: IdleCause) -> Bools:
    """(gaps,) idle time of one cause with requests open, without pieces of low confidence."""
    table = inputs.analysis.gaps
    if inputs.gaps is None:
        return np.zeros(len(table), np.bool_)
    mine = table.timeline_index == inputs.analysis.timelines.index(inputs.gaps.timeline)
    mine &= (table.cause_index == cause.index) & (table.confidence_index != _LOW)
    return np.asarray(mine & (table.waiting_requests > 0), np.bool_)


def find_disturbance(inputs: RuleInputs, cause: IdleCause) -> Disturbance | None:
    """None below ``MACHINE_MIN_RATIO`` of the window; pieces of low confidence do not count."""
    gaps = inputs.gaps
    if gaps is None or not gaps.by_cause_ns.get(cause):
        return None
    table, mine = inputs.analysis.gaps, pieces_of(inputs, cause)
    length_ns = (table.end_ns - table.start_ns)[mine]
    ratio = window_ratio(gaps, int(length_ns.sum()))
    if ratio < thresholds.MACHINE_MIN_RATIO:
        return None
    longest = int(length_ns.argmax())
    named = {c: ns for c, ns in gaps.by_cause_ns.items() if c not in _NOT_NAMED}
    return Disturbance(
        cause=cause,
        ratio=ratio,
        request_ns=float((length_ns * table.waiting_requests[mine]).sum()) / inputs.shares.requests,
        is_largest=max(named, key=lambda c: named[c]) is cause,
        start_ns=int(table.start_ns[mine][longest]),
        end_ns=int(table.end_ns[mine][longest]),
    )


def undisturbed(inputs: RuleInputs, cause: IdleCause) -> RuleInputs | None:
    """The inputs over the requests that no idle time of this cause touches; None without any.

    A request that a disturbance stopped spends the time in whatever stage it was in. What other
    rules find in such requests may be the same time again.
    """
    if inputs.gaps is None:
        return None
    analysis, requests = inputs.analysis, inputs.analysis.requests
    mine = analysis.gaps.timeline_index == analysis.timelines.index(inputs.gaps.timeline)
    mine &= analysis.gaps.cause_index == cause.index
    start_ns, end_ns = analysis.gaps.start_ns[mine], analysis.gaps.end_ns[mine]
    # Pieces of one timeline are disjoint and in order: the first that ends after a request begins.
    following = np.searchsorted(end_ns, requests.start_ns, side="right")
    begins_ns = np.append(start_ns, np.iinfo(np.int64).max)[following]
    free = np.asarray(begins_ns >= requests.end_ns, np.bool_)
    shares = sum_shares(analysis, among=free)
    if shares is None:
        return None
    latency = describe(requests.duration_ns[requests.complete & free])
    return replace(inputs, shares=shares, latency=latency)


def disturbance_finding(
    inputs: RuleInputs,
    found: Disturbance,
    *,
    rule: str,
    what: str,
    remedies: tuple[Remedy, ...],
    verify: tuple[Check, ...],
    rollback: str,
    why: str = "",
    evidence: tuple[Evidence, ...] = (),
    counter_evidence: tuple[CounterEvidence, ...] = (),
) -> Finding:
    """A finding about a disturbance.

    Args:
        inputs: What the rule looks at.
        found: What it found.
        rule: Its id.
        what: What happened, before "for 12% of the window, while requests were open".
        remedies: What to change.
        verify: How to check the change.
        rollback: How to undo it.
        why: Ends the sentence; "" where nothing is to be added.
        evidence: What the rule measured in addition.
        counter_evidence: What the rule looked for that would speak against it.
    """
    confidence, reason = judge(inputs, Basis())
    where = f"{inputs.timeline_name} {found.cause.value}"
    return Finding(
        id=rule,
        cause=found.cause.value,
        severity=severity_of(found.request_ns / max(1.0, inputs.shares.mean_ns)),
        confidence=confidence,
        confidence_reason=reason,
        what=f"{what} for {found.ratio:.0%} of the window, while requests were open{why}.",
        evidence=(
            Evidence(
                f"idle, {found.cause.value}, with requests open",
                found.ratio,
                "ratio",
                Source(IDLE, where, found.start_ns, found.end_ns),
            ),
            Evidence("request time lost to it, mean", found.request_ns, "ns", Source(IDLE, where)),
            *evidence,
        ),
        counter_evidence=(_larger_cause(inputs, found), *counter_evidence),
        remedies=remedies,
        gain=_gain(inputs, found),
        verify=verify,
        rollback=rollback,
        tier=Tier.DISTURBANCE if found.is_largest else Tier.REQUEST_TIME,
        at_stake_ns=found.request_ns,
    )


def _larger_cause(inputs: RuleInputs, found: Disturbance) -> CounterEvidence:
    return CounterEvidence(
        looked_for="another cause with more idle time",
        found=not found.is_largest,
        detail="" if inputs.gaps is None else f"on {inputs.timeline_name}",
    )


def _gain(inputs: RuleInputs, found: Disturbance) -> Gain | Unavailable:
    mean = inputs.shares.mean_ns
    if found.request_ns >= mean:
        return Unavailable("requests cut by the window wait for it too; their time is not known")
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - found.request_ns,
        high=mean,
        method=(
            "The mean request without the time in which this stopped it (low), or with all of it "
            "(high): a request may have had something else to wait for."
        ),
    )
