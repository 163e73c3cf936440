"""Ops of the model run on the CPU in the middle of its GPU work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis, judge
from diag.findings.detour import detour_checks, detour_evidence, detour_gain, find_detour
from diag.findings.sources import GPU
from diag.findings.waits import severity_of
from diag.model.finding import CounterEvidence, Finding, Remedy, RemedyKind, RemedyPlace, Tier
from diag.model.printable import NAME_MAX_CHARS, printable

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "cpu-fallback"
NEEDS = (GPU,)
_OPS_NAMED = 2


def find(inputs: RuleInputs) -> Finding | None:
    """Between the first and the last GPU work of runs, ops that launch nothing take long.

    Ops before the first GPU work are preprocessing, and those after the last one postprocessing.
    """
    detour = find_detour(inputs)
    if detour is None or not detour.by_cpu_ops:
        return None
    confidence, reason = judge(inputs, Basis())
    names = [printable(op.name, NAME_MAX_CHARS) for op in detour.found.ops[:_OPS_NAMED]]
    ops = " and ".join(f"`{name}`" for name in names)
    return Finding(
        id=ID,
        cause=detour.stage.value,
        severity=severity_of(detour.share),
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Requests spend {detour.share:.0%} of their time in ops of the model that run on the "
            f"CPU between its GPU work, most in {ops}."
        ),
        evidence=detour_evidence(detour),
        counter_evidence=(
            CounterEvidence(
                "lost GPU events, without which an op on the GPU looks like one on the CPU",
                bool(inputs.analysis.device_loss.dropped),
            ),
        ),
        remedies=(
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                f"Run {ops} on the GPU (tf.device, or an op and a type that have a GPU kernel), or "
                "move it before or behind the model.",
                risk="Predictions may change where another op or type replaces it.",
            ),
        ),
        gain=detour_gain(
            inputs,
            detour.lost_ns,
            "The mean request without this time (low), or with all of it (high): how long the ops "
            "take on the GPU is not known.",
        ),
        verify=detour_checks(detour, trips=False),
        rollback="Serve the earlier version of the model.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=detour.lost_ns,
    )
