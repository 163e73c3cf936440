"""Requests spend long getting into a batch, or having the batch put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis
from diag.findings.sources import BATCHES
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "batch-assembly-slow"
NEEDS = (BATCHES,)
_STAGES = (Stage.SCHEDULE, Stage.BATCH_FORMATION)
_WORDS = {
    Stage.SCHEDULE: "entering the batching queue",
    Stage.BATCH_FORMATION: "joining and padding the inputs of their batch",
}


def find(inputs: RuleInputs) -> Finding | None:
    """Schedule and batch-formation together take a large share of request time."""
    wait = find_wait(inputs, _STAGES)
    if wait is None:
        return None
    words = WaitWords(of_requests=_WORDS[wait.stage], of_idle="")
    return wait_finding(
        inputs,
        wait,
        words,
        Basis(on_device=False),
        rule=ID,
        cause=wait.stage.value,
        causes=(),
        remedies=(
            Remedy(
                RemedyKind.CLIENT,
                RemedyPlace.CLIENT_CODE,
                "Send smaller inputs (uint8 or encoded bytes instead of float lists) and inputs "
                "of the same shape.",
                risk="The model has to decode or cast them.",
            ),
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.CONTAINER,
                "Give the server more CPU if its cores are all busy.",
            ),
        ),
        gain=Unavailable("how much smaller inputs would save is not known from one recording"),
        verify=wait_halved(inputs, wait, ()),
        rollback="Send the earlier inputs again.",
    )
