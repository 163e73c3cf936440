"""Signatures of models: whether their requests can be batched, and padded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.linting.problem import model_advice, problem
from diag.model.finding import Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.saved_model.signatures import Signature, TensorInfo
    from diag.linting.deployment import Deployment, Server
    from diag.linting.documents import SavedModel
    from diag.linting.problem import Problem

IDS = (
    "no-batch-dimension",
    "fixed-batch-dimension",
    "ragged-inputs-padded",
    "shared-input-tensor",
)
_NAMES_MAX = 4


def check(deployment: Deployment) -> Iterator[Problem]:
    """All rules about signatures."""
    for saved in deployment.saved_models():
        server = deployment.server_of_model(saved)
        batched = server is not None and server.batches(saved)
        yield from _signatures(saved, server, batched=batched)


def _signatures(saved: SavedModel, server: Server | None, *, batched: bool) -> Iterator[Problem]:
    severity = Severity.CRITICAL if batched else Severity.INFO
    suffix = (
        "with --enable_batching, every request to it fails"
        if batched
        else "with --enable_batching, every request to it would fail"
    )
    for signature in saved.graph.signatures:
        scalars = [each for each in signature.inputs if each.shape == ()]
        if scalars:
            yield problem(
                "no-batch-dimension",
                severity,
                saved.place,
                f"{_named(signature)} has {_inputs(scalars)} without a batch dimension: {suffix} "
                "(batching needs a first dimension of equal size in all inputs).",
                model_advice("Export the signature with None as first dimension of every input."),
            )
        fixed = [each for each in signature.inputs if each.shape and each.shape[0] > 0]
        if fixed and not scalars:
            rows = (fixed[0].shape or (0,))[0]
            yield problem(
                "fixed-batch-dimension",
                severity if rows == 1 or batched else Severity.INFO,
                saved.place,
                f"{_named(signature)} has {_inputs(fixed)} with a first dimension of {rows}: "
                f"{'batches of other sizes fail' if batched else 'it cannot be batched'}.",
                model_advice("Export the signature with None as first dimension of every input."),
            )
        yield from _ragged(saved, server, signature)
        yield from _shared_tensors(saved, signature)


def _named(signature: Signature) -> str:
    return f"The signature {printable(signature.name, 60)}"


def _inputs(found: list[TensorInfo]) -> str:
    names = ", ".join(printable(each.key, 40) for each in found[:_NAMES_MAX])
    more = f" and {len(found) - _NAMES_MAX} more" if len(found) > _NAMES_MAX else ""
    return f"{'an input' if len(found) == 1 else 'inputs'} ({names}{more})"


def _ragged(saved: SavedModel, server: Server | None, signature: Signature) -> Iterator[Problem]:
    """Inputs whose further dimensions vary are padded with copies of their first element."""
    parameters = server.parameters if server is not None else None
    if parameters is None or not parameters.pad_variable_length_inputs:
        return
    varying = [each for each in signature.inputs if each.shape and -1 in each.shape[1:]]
    if varying:
        yield problem(
            "ragged-inputs-padded",
            Severity.WARNING,
            saved.place,
            f"{_named(signature)} has {_inputs(varying)} of varying length, which "
            "pad_variable_length_inputs fills with copies of the first element: without a mask or "
            "a length, answers change with the batch.",
            model_advice(
                "Add an input with the length, or a mask, or pad in the client and turn "
                "pad_variable_length_inputs off."
            ),
            sure=False,
        )


def _shared_tensors(saved: SavedModel, signature: Signature) -> Iterator[Problem]:
    by_tensor: dict[str, list[str]] = {}
    for each in signature.inputs:
        by_tensor.setdefault(each.tensor, []).append(each.key)
    for tensor, keys in by_tensor.items():
        if len(keys) > 1:
            yield problem(
                "shared-input-tensor",
                Severity.CRITICAL,
                saved.place,
                f"{_named(signature)} feeds {', '.join(printable(k, 40) for k in keys)} into one "
                f"tensor, {printable(tensor, 60)}: requests that set both are refused.",
                model_advice("Export the signature with one input for each tensor."),
            )
