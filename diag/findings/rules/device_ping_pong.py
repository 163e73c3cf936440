"""Data goes back and forth between GPU and CPU within a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis, judge
from diag.findings.detour import detour_checks, detour_evidence, detour_gain, find_detour
from diag.findings.sources import GPU
from diag.findings.waits import severity_of
from diag.model.finding import CounterEvidence, Finding, Remedy, RemedyKind, RemedyPlace, Tier
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "device-ping-pong"
NEEDS = (GPU,)
_OPS_NAMED = 2


def find(inputs: RuleInputs) -> Finding | None:
    """Copies from the GPU that are followed by copies to it in the same run, and their time."""
    detour = find_detour(inputs)
    if detour is None or detour.by_cpu_ops:
        return None
    confidence, reason = judge(inputs, Basis())
    found = detour.found
    names = [printable(op.name, NAME_MAX_CHARS) for op in found.ops[:_OPS_NAMED]]
    between = f" On the CPU meanwhile: {' and '.join(f'`{name}`' for name in names)}."
    return Finding(
        id=ID,
        cause=detour.stage.value,
        severity=severity_of(detour.share),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"A run copies data from the GPU and back {found.round_trips:.1f} times on average; "
            f"requests spend {detour.share:.0%} of their time in that, without a kernel at work."
            + (between if names else "")
        ),
        evidence=detour_evidence(detour),
        counter_evidence=(
            CounterEvidence(
                "ops on the CPU that take most of this time",
                found=False,
                detail=f"they take {duration(found.cpu_ns)} a request",
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Keep the model on the GPU from its first to its last op: cast int32 tensors, "
                "which TensorFlow keeps in host memory, set tf.device, and move string and lookup "
                "ops before or behind the model.",
                risk="Predictions may change where another op or type replaces one.",
            ),
        ),
        gain=detour_gain(
            inputs,
            detour.lost_ns,
            "The mean request without this time (low), or with all of it (high): how long the ops "
            "take on the GPU is not known.",
        ),
        verify=detour_checks(detour, trips=True),
        rollback="Serve the earlier version of the model.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=detour.lost_ns,
    )
