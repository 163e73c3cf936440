"""Inputs of different shapes meet in one batch, which the server then cannot merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.batching import parameter_remedy, restore
from diag.findings.failed_answers import FailureCause
from diag.findings.failure_finding import failure_finding, share_of
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Setting,
    Source,
)
from diag.model.serving import Origin

if TYPE_CHECKING:
    from diag.findings.failure_finding import FailureInputs

ID = "input-shapes-differ"
_NAME = "pad_variable_length_inputs"
_TRAP = (
    "It pads with the first element of each input, not with zeros: unless the model ignores what "
    "is added, short inputs get wrong results without an error. It pads between requests only, not "
    "between the rows of one request."
)


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Batches whose inputs were not merged, with FAILED_PRECONDITION where metrics tell.

    Source: tensorflow_serving/batching/batching_session.cc (MergeInputTensors) and batching_util.cc
    (AddPadding) at 9d981c5c; recorded on a live server with inputs of variable length.
    """
    share = share_of(inputs.failed, FailureCause.SHAPES_DIFFER)
    if not share.traced:
        return None
    file = inputs.analysis.capture.batching_parameters
    pads: bool | Unavailable = (
        file.pad_variable_length_inputs if isinstance(file, BatchingParameters) else file
    )
    client = Remedy(
        RemedyKind.CLIENT,
        RemedyPlace.CLIENT_CODE,
        "Pad inputs in the client to one length, or to a few lengths, each sent to a signature of "
        "its own.",
    )
    is_told = not isinstance(pads, Unavailable)
    setting = Setting(
        _NAME,
        now=("true" if pads else "false") if is_told else Unavailable("not in the recording"),
        to="true",
        origin=Origin.FILE.value if is_told else "",
    )
    change = " false → true" if is_told else " to true"
    pad = parameter_remedy(
        inputs.analysis, f"Let the server pad them: {_NAME}{change}.", setting, _TRAP
    )
    why = "inputs of different shapes met in one batch, and the server could not merge them"
    if pads is False:
        why = f"inputs of different shapes met in one batch, and {_NAME} is off"
    if pads is True:
        why = f"the server could not merge the inputs of a batch, although {_NAME} is on"
    return failure_finding(
        inputs,
        share,
        rule=ID,
        why=why,
        remedies=(client,) if pads is True else (pad, client),
        rollback="Put the earlier client back." if pads is True else restore(setting),
        evidence=_evidence(inputs),
        counter_evidence=(
            CounterEvidence(f"{_NAME} switched on", pads),
            CounterEvidence(
                "batches of several requests that ran",
                found=_merged_batches(inputs) > 0,
                detail=f"{_merged_batches(inputs):,}",
            ),
        ),
    )


def _merged_batches(inputs: FailureInputs) -> int:
    """Batches of two requests or more that ran."""
    batches = inputs.analysis.batches
    return int(((batches.tasks > 1) & ~batches.is_failed).sum())


def _evidence(inputs: FailureInputs) -> tuple[Evidence, ...]:
    failed = int(inputs.analysis.batches.is_failed.sum())
    return (Evidence("batches that did not run", failed, "batches", Source("batches")),)
