"""The server uses a GPU, or may do so, and the trace shows nothing of it: why, as far as known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis, judge
from diag.findings.device import agreement_evidence, untraced
from diag.findings.gpu_tracing import fixes, rollback, why_untraced
from diag.findings.metrics import check
from diag.findings.sources import GPU_SIGNS
from diag.model.agreement import AgreementReason
from diag.model.availability import Unavailable
from diag.model.device import CuptiAccess
from diag.model.finding import (
    Check,
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Said,
    Severity,
    Source,
    Tier,
)
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.serving import StageGroup

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.agreement import Agreement
    from diag.model.device import DeviceLoss

ID = "gpu-plane-missing"
NEEDS = (GPU_SIGNS,)
_ERROR_MAX_CHARS = 300
_NOT_REQUESTED = "gpu-not-requested"
_CAUSES = {
    CuptiAccess.REFUSED: "gpu-tracer-refused",
    CuptiAccess.IN_USE: "cupti-in-use",
    CuptiAccess.REFUSED_AND_IN_USE: "gpu-tracer-refused",
    CuptiAccess.NOT_LOADED: "cupti-not-loaded",
    CuptiAccess.NO_GPU: "server-without-gpu",
    CuptiAccess.SILENT: "gpu-tracer-silent",
    CuptiAccess.NOT_STARTED: "gpu-tracer-not-started",
    CuptiAccess.UNKNOWN: "gpu-not-traced",
}
# Of these the tracer itself tells that the server has a GPU, or the server's threads do.
_CERTAIN = frozenset(_CAUSES) - {CuptiAccess.NO_GPU, CuptiAccess.SILENT, CuptiAccess.UNKNOWN}


def find(inputs: RuleInputs) -> Finding | None:
    """No event of a GPU, but samples of one at work, the tracer's error, or a GPU's threads."""
    analysis = inputs.analysis
    loss, hidden = analysis.device_loss, untraced(analysis)
    if hidden is None and (inputs.on_device or loss.access not in _CERTAIN):
        return None
    access = loss.access if hidden is None else hidden.cupti_access
    is_left_out = hidden is not None and hidden.reason is AgreementReason.NOT_REQUESTED
    confidence, reason = judge(inputs, Basis())
    return Finding(
        id=ID,
        cause=_NOT_REQUESTED if is_left_out else _CAUSES[access],
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=f"{_seen(hidden)} {_why(access, is_left_out=is_left_out)}",
        evidence=(*agreement_evidence(analysis), *_signs(loss)),
        counter_evidence=_against(hidden, access),
        remedies=_remedies(access, is_left_out=is_left_out),
        gain=Unavailable("what the GPU does is not known"),
        verify=_checks(analysis),
        rollback="" if is_left_out else rollback(access),
        tier=Tier.VISIBILITY,
        at_stake_ns=inputs.stage_mean_ns(inputs.shares.group(StageGroup.COMPUTE)),
        says=frozenset({Said.DEVICE}),  # that the CPU executed nothing says little of such a server
    )


def _checks(analysis: Analysis) -> tuple[Check, ...]:
    traced = check(analysis, "device.planes", low=1)
    if not analysis.agreements:
        return (traced,)
    return (traced, check(analysis, "samples.disagreements", high=0))


def _seen(hidden: Agreement | None) -> str:
    if hidden is None:
        return "The server uses a GPU, but the trace shows nothing of it."
    ratio = hidden.sampled_ratio
    busy = "busy" if isinstance(ratio, Unavailable) else f"{ratio:.0%} busy"
    device = printable(hidden.device, NAME_MAX_CHARS)
    return f"{device} was {busy} by its samples, but the trace shows nothing of it."


def _why(access: CuptiAccess, *, is_left_out: bool) -> str:
    if is_left_out:
        return "The capture left GPUs out of the trace."
    return f"{why_untraced(access)}."


def _signs(loss: DeviceLoss) -> tuple[Evidence, ...]:
    """What the trace itself shows of the tracer, and of a GPU in use."""
    where = Source("device_tracer")
    threads = Evidence(
        "threads of the server that wait for a GPU", loss.gpu_threads, "threads", Source("trace")
    )
    errors = (
        Evidence("error of the GPU tracer", printable(error, _ERROR_MAX_CHARS), "", where)
        for error in loss.errors
    )
    return (*errors, *([threads] if loss.gpu_threads else []))


def _against(hidden: Agreement | None, access: CuptiAccess) -> tuple[CounterEvidence, ...]:
    """What would speak for another process at work."""
    others: bool | Unavailable = Unavailable("no GPU was sampled")
    if hidden is not None:
        others = bool(hidden.others)
    without_gpu: bool | Unavailable = Unavailable("no source says whether the server uses a GPU")
    if access is CuptiAccess.NO_GPU or access in _CERTAIN:
        without_gpu = access is CuptiAccess.NO_GPU
    return (
        CounterEvidence("another process that could be the one at work instead", others),
        CounterEvidence("a server that uses no GPU", without_gpu),
    )


def _remedies(access: CuptiAccess, *, is_left_out: bool) -> tuple[Remedy, ...]:
    if is_left_out:
        action = "Capture without --no-device-trace."
        return (Remedy(RemedyKind.CAPTURE, RemedyPlace.CAPTURE_COMMAND, action),)
    return tuple(
        Remedy(fix.kind, fix.place, f"{fix.action[0].upper()}{fix.action[1:]}.", risk=fix.risk)
        for fix in fixes(access)
    )
