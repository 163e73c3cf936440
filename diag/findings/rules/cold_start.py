"""The first runs of a model or of an input shape compile, tune or load kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings.disturbance import disturbance_finding, find_disturbance
from diag.findings.first_runs import (
    find_first_runs,
    first_run_evidence,
    first_run_sentence,
    not_only_the_first,
)
from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.gaps import IdleCause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.findings.first_runs import FirstRuns
    from diag.findings.inputs import RuleInputs

ID = "cold-start"
_SIZES_MAX = 8


def find(inputs: RuleInputs) -> Finding | None:
    """Source of the remedy: saved_model_warmup.md of tensorflow/serving 9d981c5c."""
    found = find_disturbance(inputs, IdleCause.COLD_START)
    if found is None:
        return None
    first = find_first_runs(inputs)
    return disturbance_finding(
        inputs,
        found,
        rule=ID,
        what="First runs compiled, tuned or loaded kernels",
        why="" if first is None else first_run_sentence(first),
        remedies=(
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Warm the model up before it gets traffic: add "
                "assets.extra/tf_serving_warmup_requests to the next version"
                f"{_sizes(inputs, first)}, and keep the number of input shapes small.",
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
        evidence=() if first is None else first_run_evidence(first),
        counter_evidence=() if first is None else (not_only_the_first(first),),
    )


def _sizes(inputs: RuleInputs, first: FirstRuns | None) -> str:
    """With batching, each batch size is a shape of its own, and so needs a record of its own."""
    told = inputs.analysis.capture.batching_parameters
    allowed = () if isinstance(told, Unavailable) else told.allowed_batch_sizes or ()
    if allowed:
        return f", with records of {_listed(allowed)} rows (allowed_batch_sizes)"
    if first is not None and first.sizes:
        return f", with a record for every batch size (slow here: {_listed(first.sizes)} rows)"
    return ", with a record for every batch size" if inputs.analysis.queues else ""


def _listed(sizes: Sequence[int]) -> str:
    *others, last = map(str, sizes[:_SIZES_MAX])
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{listed} (and {len(sizes) - _SIZES_MAX} more)" if len(sizes) > _SIZES_MAX else listed
