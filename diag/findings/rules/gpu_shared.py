"""Another process uses the same GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis, judge
from diag.findings.device import agreement_evidence, busy_text, shared_gpu
from diag.findings.metrics import check
from diag.findings.sources import GPU_SAMPLES
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
    from diag.model.agreement import Agreement, OtherProcess

ID = "gpu-shared"
NEEDS = (GPU_SAMPLES,)


def find(inputs: RuleInputs) -> Finding | None:
    """Samples show more work than this server's kernels, and another process that does it."""
    shared = shared_gpu(inputs.analysis)
    if shared is None:
        return None
    agreement, taken = shared
    compute = inputs.shares.group(StageGroup.COMPUTE)
    confidence, reason = judge(inputs, Basis())
    device = printable(agreement.device, NAME_MAX_CHARS)
    return Finding(
        id=ID,
        cause="other-process",
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=f"{device} is shared with {_who(agreement)}: {busy_text(agreement)}.",
        evidence=agreement_evidence(inputs.analysis),
        counter_evidence=(
            CounterEvidence(
                "lost device events, which would look the same",
                bool(inputs.analysis.device_loss.dropped),
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.HOST,
                "Keep the other process off this GPU: schedule it elsewhere, split the GPU with "
                "MIG, or forbid sharing (nvidia-smi -c EXCLUSIVE_PROCESS).",
                risk="The other process needs another GPU.",
            ),
        ),
        gain=Unavailable("the trace does not show how much longer kernels took because of it"),
        verify=(check(inputs.analysis, "samples.disagreements", high=0),),
        rollback="Let the process run there again (nvidia-smi -c DEFAULT).",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=inputs.stage_mean_ns(compute) * taken,
    )


def _who(agreement: Agreement) -> str:
    other = max(agreement.others, key=_share, default=None)
    if other is None:
        return "another process"
    name = (
        "" if isinstance(other.name, Unavailable) else f" ({printable(other.name, NAME_MAX_CHARS)})"
    )
    return f"process {other.pid}{name}"


def _share(other: OtherProcess) -> float:
    return 0.0 if isinstance(other.share, Unavailable) else other.share
