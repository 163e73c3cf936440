"""The device is idle because no request is open; nothing is starved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import cpu_busy
from diag.findings import thresholds
from diag.findings.confidence import Basis, judge
from diag.findings.cpu import cpu_evidence, is_cpu_of_others
from diag.findings.device import is_without_demand
from diag.findings.failed import failed_requests
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
from diag.model.gaps import Confidence

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.failed import FailedRequests
    from diag.findings.inputs import RuleInputs

ID = "no-demand"


def find(inputs: RuleInputs) -> Finding | None:
    """Mostly idle, and mostly without an open request.

    Not where many requests fail, or where other processes fill the machine's CPU: other findings
    and the verdict say so, and spare capacity is not known.
    """
    gaps = inputs.gaps
    if gaps is None or not is_without_demand(inputs):
        return None
    failed = failed_requests(inputs.analysis)
    if failed.is_material or is_cpu_of_others(inputs.analysis):
        return None
    without = window_ratio(gaps, gaps.no_demand_ns)
    starved = window_ratio(gaps, gaps.starved_ns)
    against = _against(inputs.analysis, failed)
    confidence, reason = (Confidence.LOW, against) if against else _judged(inputs)
    where = Source("idle", f"{gaps.timeline.name} no-demand")
    return Finding(
        id=ID,
        cause="no-demand",
        severity=Severity.WARNING if against else Severity.INFO,
        confidence=confidence,
        confidence_reason=reason,
        what=(
            "Most of the time no request is open in the server. That is no sign of spare capacity."
            if against
            else "The server has spare capacity: it is idle for lack of demand, not starved of "
            "input."
        ),
        evidence=(
            Evidence("idle without demand", without, "ratio", where),
            Evidence(
                "idle, starved of input", starved, "ratio", Source("idle", gaps.timeline.name)
            ),
            _failed(failed),
            *cpu_evidence(inputs.analysis),
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
                "Keep the number of replicas and the placement of models until this is explained."
                if against
                else "None needed: this replica has spare capacity. To save cost, run fewer "
                "replicas or let models share this machine, after a look at the load of a whole "
                "day.",
            ),
        ),
        gain=Unavailable("no change is advised yet" if against else "there is no delay to remove"),
        verify=(),
        rollback="",
        tier=Tier.CAPACITY,
        at_stake_ns=0.0,
    )


def _judged(inputs: RuleInputs) -> tuple[Confidence, str]:
    """Not high where other processes may use the CPU unseen."""
    confidence, reason = judge(inputs, Basis())
    if confidence is Confidence.HIGH and isinstance(cpu_busy(inputs.analysis), Unavailable):
        return Confidence.MEDIUM, "Whether other processes use the machine's CPU was not sampled."
    return confidence, reason


def _failed(failed: FailedRequests) -> Evidence:
    where = Source("capture", "refused_requests, failed_requests")
    return Evidence("requests failed", failed.number, "requests", where)


def _against(analysis: Analysis, failed: FailedRequests) -> str:
    """What contradicts spare capacity, in one sentence; "" if nothing does."""
    busy = cpu_busy(analysis)
    if failed.number:
        many = "1 request" if failed.number == 1 else f"{failed.number:,} requests"
        return f"{many} failed: clients ask for more than is served."
    if not isinstance(busy, Unavailable) and busy >= thresholds.CPU_FULL_RATIO:
        return f"The machine's CPU is {busy:.0%} busy: requests would wait for a core."
    unseen = _unseen_refusals(analysis)
    if unseen and isinstance(failed.answers, Unavailable):
        return f"{unseen:,} requests ran no op: a batcher may have refused them without an event."
    return ""


def _unseen_refusals(analysis: Analysis) -> int:
    """Requests that may have failed without an event; 0 if they are too few to matter."""
    for caveat in analysis.caveats:
        if caveat.code == "refusals-not-recorded":
            count, of_all = caveat.fact("empty_count"), caveat.fact("requests_count")
            assert isinstance(count, int)
            assert isinstance(of_all, int)
            is_material = count >= max(
                thresholds.FAILED_MIN_REQUESTS, thresholds.FAILED_MIN_RATIO * of_all
            )
            return count if is_material else 0
    return 0
