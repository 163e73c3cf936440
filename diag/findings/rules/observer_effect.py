"""The recording itself stops the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.disturbance import disturbance_finding, find_disturbance
from diag.findings.metrics import check
from diag.findings.sources import GPU
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "observer-effect"
NEEDS = (GPU,)


def find(inputs: RuleInputs) -> Finding | None:
    """Only with a GPU, whose tracer (CUPTI) buffers events and may stop to flush them."""
    found = find_disturbance(inputs, IdleCause.PROFILER) if inputs.on_device else None
    if found is None:
        return None
    return disturbance_finding(
        inputs,
        found,
        rule=ID,
        what="The profiler itself was busy or had lost events",
        remedies=(
            Remedy(
                RemedyKind.CAPTURE,
                RemedyPlace.CAPTURE_COMMAND,
                "Record less: a shorter window (--duration 500ms), or --host-tracer-level 1.",
                risk="Fewer requests, or fewer stages in the trace.",
            ),
        ),
        verify=(check(inputs.analysis, "idle.profiler", high=0.01),),
        rollback="",
    )
