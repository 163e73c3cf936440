"""The first runs of a model or of an input shape compile, tune or load kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings.disturbance import disturbance_finding, find_disturbance
from diag.findings.metrics import check
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "cold-start"


def find(inputs: RuleInputs) -> Finding | None:
    """Source of the remedy: saved_model_warmup.md of tensorflow/serving 9d981c5c."""
    found = find_disturbance(inputs, IdleCause.COLD_START)
    if found is None:
        return None
    return disturbance_finding(
        inputs,
        found,
        rule=ID,
        what="First runs compiled, tuned or loaded kernels",
        remedies=(
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Warm the model up before it gets traffic: add "
                f"assets.extra/tf_serving_warmup_requests to the next version{_sizes(inputs)}, and "
                "keep the number of input shapes small.",
                risk="Loading the model takes longer.",
            ),
        ),
        verify=(
            replace(
                check(inputs.analysis, "idle.cold-start", high=0.01),
                when="right after the new version is loaded, with traffic",
            ),
        ),
        rollback="Remove the warm-up file.",
    )


def _sizes(inputs: RuleInputs) -> str:
    """With batching, each batch size is a shape of its own."""
    return ", with every batch size of allowed_batch_sizes" if inputs.analysis.queues else ""
