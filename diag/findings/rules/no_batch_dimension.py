"""Inputs without a common first dimension: the server cannot batch such requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.failed_answers import FailureCause
from diag.findings.failure_finding import failure_finding, share_of
from diag.model.finding import CounterEvidence, Finding, Remedy, RemedyKind, RemedyPlace

if TYPE_CHECKING:
    from diag.findings.failure_finding import FailureInputs

ID = "no-batch-dimension"


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Requests that ended in the batching session before the batch scheduler was called.

    Only the check of the inputs comes before that call: there is an input, each has a first
    dimension, and these are equal (ComputeTensorBatchSize, INVALID_ARGUMENT). Source:
    tensorflow_serving/batching/batching_session.cc and batching_util.cc at 9d981c5c; recorded on a
    live server with a model whose input is a scalar.
    """
    share = share_of(inputs.failed, FailureCause.NO_BATCH_DIMENSION)
    if not share.traced:
        return None
    return failure_finding(
        inputs,
        share,
        rule=ID,
        why=(
            "with batching, all inputs of a request need the same first dimension, its rows, and "
            "theirs have none or differ"
        ),
        remedies=(
            Remedy(
                RemedyKind.FLAG,
                RemedyPlace.SERVER_FLAG,
                "If the model takes no batches, serve it without batching: with "
                "--enable_per_model_batching_parameters a model without a batching_params.pbtxt is "
                "not batched; or start the server without --enable_batching.",
                risk="Without --enable_batching, no model of this server is batched.",
            ),
            Remedy(
                RemedyKind.MODEL,
                RemedyPlace.SAVED_MODEL,
                "Or export a signature whose inputs all have a first dimension of unknown size.",
            ),
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "If the signature has that dimension: send all inputs with the same number of "
                "rows.",
            ),
        ),
        rollback="Start the server with the earlier flags.",
        counter_evidence=(
            CounterEvidence(
                "requests that passed this check",
                found=inputs.failed.requests > share.traced,
                detail=f"{inputs.failed.requests - share.traced:,}",
            ),
        ),
    )
