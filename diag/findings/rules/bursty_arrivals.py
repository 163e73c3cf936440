"""Requests come in bursts and wait for each other; in between the server has nothing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.metrics import check
from diag.findings.open_requests import arrival_dispersion
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
from diag.model.serving import StageGroup

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "bursty-arrivals"


def find(inputs: RuleInputs) -> Finding | None:
    """Arrivals vary far more than independent ones, requests queue, and no request is open often.

    Index of dispersion for counts: variance over mean of the arrivals in equal intervals; 1 for a
    Poisson process (Cox and Lewis, The Statistical Analysis of Series of Events, 1966).
    """
    gaps, analysis = inputs.gaps, inputs.analysis
    queued = inputs.shares.group(StageGroup.QUEUEING)
    if gaps is None or queued < thresholds.STAGE_MIN_SHARE:
        return None
    without = window_ratio(gaps, gaps.no_demand_ns)
    dispersion = arrival_dispersion(analysis)
    if without < thresholds.STARVED_MIN_RATIO or isinstance(dispersion, Unavailable):
        return None
    if dispersion < thresholds.DISPERSION_MIN:
        return None
    confidence, reason = judge(inputs, Basis(on_device=False))
    requests = analysis.requests
    where = Source("requests", "start")
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Requests come in bursts (index of dispersion {dispersion:.0f}; 1 if they came "
            f"independently): they spend {queued:.0%} of their time in queues, although no request "
            f"is open for {without:.0%} of the window."
        ),
        evidence=(
            Evidence("index of dispersion of arrivals", dispersion, "variance/mean", where),
            Evidence("dispersion of independent arrivals", 1, "variance/mean", where),
            Evidence("queueing share", queued, "ratio", Source("ledger", "queueing")),
            Evidence(
                "time without an open request",
                without,
                "ratio",
                Source("idle", f"{gaps.timeline.name} no-demand"),
            ),
            Evidence("requests", int(np.count_nonzero(requests.complete)), "requests", where),
        ),
        counter_evidence=(
            CounterEvidence(
                "a load that fills the server without bursts as well",
                without < thresholds.CHECK_SLACK,
                f"no request is open for {without:.0%} of the window",
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Let clients spread their requests: a random pause before each, or a limit on how "
                "many are sent at once.",
                risk="A client waits longer before it sends.",
            ),
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "Or spread a burst over more replicas.",
                risk="They are idle between bursts.",
            ),
        ),
        gain=Unavailable("how much clients can spread their requests is not in the recording"),
        verify=(check(analysis, "latency.p99", high=_p99(inputs)),),
        rollback="Send requests as before.",
        tier=Tier.CAPACITY,
        at_stake_ns=0.0,
    )


def _p99(inputs: RuleInputs) -> float:
    """Today's p99 without half of the queueing; of the mean where p99 is not known."""
    p99 = inputs.latency.p99_ns
    slow = inputs.shares.mean_ns if isinstance(p99, Unavailable) else p99
    return slow * (1 - inputs.shares.group(StageGroup.QUEUEING) / 2)
