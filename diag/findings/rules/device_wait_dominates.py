"""Kernels are launched, but wait behind those of other runs on the same GPU stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.batching import batching_remedy
from diag.findings.confidence import Basis
from diag.findings.device import is_saturated
from diag.findings.interference import find_interference
from diag.findings.metrics import below, not_above
from diag.findings.sources import GPU
from diag.findings.waits import WaitWords, find_wait, wait_finding
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "device-wait-dominates"
NEEDS = (GPU,)
WORDS = WaitWords(
    of_requests="with kernels waiting behind those of other runs on the same GPU stream", of_idle=""
)


def find(inputs: RuleInputs) -> Finding | None:
    """Device-wait takes a large share of request time, and the GPU is not simply full.

    With one model on a full GPU, device-saturated says what matters. All runs of a GPU share one
    compute stream (gpu_device.cc, TensorFlow 2.21).
    """
    wait = find_wait(inputs, (Stage.DEVICE_WAIT,))
    alone = len(inputs.analysis.models) < 2
    if wait is None or (alone and is_saturated(inputs)):
        return None
    if find_interference(inputs.analysis, Stage.DEVICE_WAIT) is not None:
        return None  # model-interference tells it
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(),
        rule=ID,
        cause=Stage.DEVICE_WAIT.value,
        causes=(),
        remedies=_alone(inputs) if alone else _several(),
        gain=Unavailable("how runs would share two GPUs or servers needs a simulation"),
        verify=(
            *below(inputs.analysis, "stage.device-wait.mean", 0.5),
            *not_above(inputs.analysis, "stage.compute.mean"),
        ),
        rollback="Put the earlier settings or placement back.",
    )


def _alone(inputs: RuleInputs) -> tuple[Remedy, ...]:
    return (
        batching_remedy(
            inputs.analysis,
            "Runs of a model follow each other on the GPU's one compute stream: run fewer at once "
            "(num_batch_threads) in larger batches.",
            "Requests wait longer for a batch to fill.",
        ),
        Remedy(RemedyKind.DEPLOYMENT, RemedyPlace.FLEET, "Or add a replica with its own GPU."),
    )


def _several() -> tuple[Remedy, ...]:
    return (
        Remedy(
            RemedyKind.DEPLOYMENT,
            RemedyPlace.FLEET,
            "Give the model that fills the GPU a server of its own (MPS or MIG can share the "
            "GPU): all models of a server share one compute stream per GPU.",
            risk="Two servers need more GPU memory than one.",
        ),
        Remedy(RemedyKind.DEPLOYMENT, RemedyPlace.FLEET, "Or add a replica with its own GPU."),
    )
