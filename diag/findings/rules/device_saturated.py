"""The device is at capacity: it is busy nearly all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batch_size import larger_size
from diag.findings.batching import restore
from diag.findings.confidence import Basis, judge
from diag.findings.device import is_saturated
from diag.findings.enable_batching import enable_batching
from diag.findings.metrics import check
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
    from diag.findings.batch_size import LargerSize
    from diag.findings.enable_batching import EnableBatching
    from diag.findings.inputs import RuleInputs

ID = "device-saturated"


def find(inputs: RuleInputs) -> Finding | None:
    """Busy for more than ``SATURATED_MIN_RATIO`` of the window."""
    gaps = inputs.gaps
    if gaps is None or not is_saturated(inputs):
        return None
    busy = window_ratio(gaps, gaps.timeline.busy_ns)
    confidence, reason = judge(inputs, Basis())
    name = inputs.timeline_name
    queued = inputs.shares.group(StageGroup.QUEUEING)
    larger, batching = larger_size(inputs.analysis), enable_batching(inputs.analysis)
    first = larger or batching
    return Finding(
        id=ID,
        cause="saturated",
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"{name} is busy {busy:.0%} of the time: at capacity."
            if inputs.on_device
            else f"Model ops run on the CPU {busy:.0%} of the time: at capacity."
        ),
        evidence=(
            Evidence("busy", busy, "ratio", Source("idle", gaps.timeline.name)),
            Evidence("queueing share", queued, "ratio", Source("ledger", "queueing")),
            *(first.evidence if first is not None else ()),
        ),
        counter_evidence=(
            CounterEvidence(
                "little time in queues, which would mean that the load still fits",
                queued < thresholds.CHECK_SLACK,
                f"requests spend {queued:.0%} of their time in queues",
            ),
        ),
        remedies=(
            *((first.remedy,) if first is not None else ()),
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "Or add a replica." if first is not None else "Add a replica.",
                risk="None for latency; it costs a machine.",
            ),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or make the model cheaper: lower precision, a smaller model, fewer outputs.",
                risk="Predictions may change.",
            ),
        ),
        gain=Unavailable("how the load splits over more replicas is not in this recording"),
        verify=(check(inputs.analysis, "device.busy", high=thresholds.SATURATED_MIN_RATIO),),
        rollback=_rollback(larger, batching),
        tier=Tier.DEVICE_TIME,
        at_stake_ns=0.0,
    )


def _rollback(larger: LargerSize | None, batching: EnableBatching | None) -> str:
    if larger is not None:
        return restore(larger.setting)
    if batching is not None:
        return "Start the server without --enable_batching."
    return "Remove the replica."
