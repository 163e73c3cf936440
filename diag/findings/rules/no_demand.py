"""The device is idle because no request is open; nothing is starved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis, judge
from diag.findings.device import is_without_demand
from diag.findings.shares import window_ratio
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Source,
    Tier,
)

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "no-demand"


def find(inputs: RuleInputs) -> Finding | None:
    """Mostly idle, and mostly without an open request."""
    gaps = inputs.gaps
    if gaps is None or not is_without_demand(inputs):
        return None
    without = window_ratio(gaps, gaps.no_demand_ns)
    starved = window_ratio(gaps, gaps.starved_ns)
    confidence, reason = judge(inputs, Basis())
    where = Source("idle", f"{gaps.timeline.name} no-demand")
    return Finding(
        id=ID,
        cause="no-demand",
        severity=Severity.INFO,
        confidence=confidence,
        confidence_reason=reason,
        what="The server has spare capacity: it is idle for lack of demand, not starved of input.",
        evidence=(
            Evidence("idle without demand", without, "ratio", where),
            Evidence(
                "idle, starved of input", starved, "ratio", Source("idle", gaps.timeline.name)
            ),
        ),
        counter_evidence=(
            CounterEvidence(
                "idle time with requests open and their input not ready",
                starved >= without,
                f"{starved:.0%} of the window",
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "None needed: this replica has spare capacity. To save cost, run fewer replicas or "
                "let models share this machine, after a look at the load of a whole day.",
            ),
        ),
        gain=Unavailable("there is no delay to remove"),
        verify=(),
        rollback="",
        tier=Tier.CAPACITY,
        at_stake_ns=0.0,
    )
