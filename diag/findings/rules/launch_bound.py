"""The GPU waits for the host to launch the next kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.batching import larger_batches
from diag.findings.confidence import Basis
from diag.findings.detour import is_mostly_detour
from diag.findings.device import cost_evidence
from diag.findings.metrics import below
from diag.findings.shares import top_model
from diag.findings.sources import GPU
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.gaps import IdleCause
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "launch-bound"
NEEDS = (GPU,)
CAUSES = (IdleCause.LAUNCH,)
WORDS = WaitWords(
    of_requests="waiting for the CPU to launch GPU kernels",
    of_idle="for the CPU to launch the next kernel",
)


def find(inputs: RuleInputs) -> Finding | None:
    """The launch stage takes a large share of request time, or keeps the GPU idle.

    Not where ops on the CPU or round trips take most of it: fewer launches would not help.

    Source of the flag: --xla_gpu_compilation_enabled, model_servers/main.cc of tensorflow/serving
    9d981c5c.
    """
    wait = find_wait(inputs, (Stage.LAUNCH,), CAUSES)
    if wait is None or is_mostly_detour(inputs, wait.share):
        return None
    cost = top_model(inputs.analysis)
    now = "" if cost is None else f" (now {cost.kernels_per_request:.0f} a request)"
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(),
        rule=ID,
        cause=IdleCause.LAUNCH.value,
        causes=CAUSES,
        evidence=cost_evidence(inputs.analysis),
        remedies=(
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                f"Reduce kernel launches{now}: export the model compiled with XLA "
                "(and start the server with --xla_gpu_compilation_enabled), with TF-TRT, or with "
                "fused ops.",
                risk="XLA compiles for each new input shape; warm all of them up.",
            ),
            larger_batches(inputs.analysis, "one batch needs the same launches whatever its size"),
        ),
        gain=Unavailable("what compilation saves depends on the model; try it and compare"),
        verify=(
            *below(inputs.analysis, "device.kernels_per_request", 0.5),
            *wait_halved(inputs, wait, CAUSES),
        ),
        rollback="Serve the earlier version of the model.",
    )
