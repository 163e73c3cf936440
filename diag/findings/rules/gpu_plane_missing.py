"""A GPU is busy by its samples, but the trace shows nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis, judge
from diag.findings.device import agreement_evidence, untraced
from diag.findings.gpu_tracing import allow_gpu_tracing
from diag.findings.metrics import check
from diag.findings.sources import GPU_SAMPLES
from diag.model.agreement import Agreement, AgreementReason
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Tier,
)
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import StageGroup

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "gpu-plane-missing"
NEEDS = (GPU_SAMPLES,)


def find(inputs: RuleInputs) -> Finding | None:
    """Samples show a GPU at work while the trace has no events of any GPU."""
    hidden = untraced(inputs.analysis)
    if hidden is None:
        return None
    compute = inputs.shares.group(StageGroup.COMPUTE)
    confidence, reason = judge(inputs, Basis())
    ratio = hidden.sampled_ratio
    busy = "busy" if isinstance(ratio, Unavailable) else f"{ratio:.0%} busy"
    device = printable(hidden.device, NAME_MAX_CHARS)
    return Finding(
        id=ID,
        cause="gpu-not-traced",
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=f"{device} was {busy} by its samples, but the trace shows nothing of it.",
        evidence=agreement_evidence(inputs.analysis),
        counter_evidence=(
            CounterEvidence(
                "another process that could be the one at work instead", bool(hidden.others)
            ),
        ),
        remedies=(_remedy(hidden),),
        gain=Unavailable("what the GPU does is not known"),
        verify=(
            check(inputs.analysis, "device.planes", low=1),
            check(inputs.analysis, "samples.disagreements", high=0),
        ),
        rollback="Take the added permissions away again.",
        tier=Tier.VISIBILITY,
        at_stake_ns=inputs.stage_mean_ns(compute),
    )


def _remedy(hidden: Agreement) -> Remedy:
    if hidden.reason is AgreementReason.NOT_REQUESTED:
        action = "Capture without --no-device-trace."
        return Remedy(RemedyKind.CAPTURE, RemedyPlace.CAPTURE_COMMAND, action)
    action = allow_gpu_tracing(hidden.cupti_access)
    return Remedy(RemedyKind.DEPLOYMENT, RemedyPlace.CONTAINER, action)
