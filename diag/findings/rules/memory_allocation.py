"""Requests wait while GPU memory is being allocated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.disturbance import disturbance_finding, find_disturbance
from diag.findings.metrics import check
from diag.findings.sources import GPU
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "memory-allocation"
NEEDS = (GPU,)


def find(inputs: RuleInputs) -> Finding | None:
    """Only with a GPU: the driver's allocation calls stop what the device could do.

    Source of the remedy: TF_FORCE_GPU_ALLOW_GROWTH, gpu_bfc_allocator.cc of TensorFlow 2.21.
    """
    found = find_disturbance(inputs, IdleCause.ALLOCATOR) if inputs.on_device else None
    if found is None:
        return None
    return disturbance_finding(
        inputs,
        found,
        rule=ID,
        what="GPU memory was being allocated",
        remedies=(
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.CONTAINER,
                "If TF_FORCE_GPU_ALLOW_GROWTH is set in the server's environment, remove it: "
                "TensorFlow then takes the GPU's memory at the start.",
                risk="Other processes on the same GPU may then get no memory.",
            ),
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "If it is not set, leave more room: fewer models or versions per GPU"
                f"{_or_smaller_batches(inputs)}.",
            ),
        ),
        verify=(check(inputs.analysis, "idle.allocator", high=0.01),),
        rollback="Set TF_FORCE_GPU_ALLOW_GROWTH again.",
    )


def _or_smaller_batches(inputs: RuleInputs) -> str:
    return ", or a smaller max_batch_size" if inputs.analysis.queues else ""
