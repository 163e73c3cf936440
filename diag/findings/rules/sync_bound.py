"""Requests spend long after the model: outputs are split, copied and returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batching import batch_threads, from_to, parameter_remedy, restore
from diag.findings.confidence import Basis
from diag.findings.egress import find_egress
from diag.findings.shares import top_model
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Finding, Remedy, RemedyKind, RemedyPlace, Source
from diag.model.gaps import IdleCause
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

ID = "sync-bound"
CAUSES = (IdleCause.SYNC_OR_OUTPUT,)
_WORDS = {
    Stage.BATCH_SPLIT: "waiting for their results after the batch",
    Stage.POSTPROCESS: "in host work after the model",
}


def find(inputs: RuleInputs) -> Finding | None:
    """Batch-split and postprocess take a large share, or keep the device idle.

    Where outputs are large, egress-heavy says so.
    """
    wait = find_wait(inputs, (Stage.BATCH_SPLIT, Stage.POSTPROCESS), CAUSES)
    if wait is None or find_egress(inputs) is not None:
        return None
    words = WaitWords(_WORDS[wait.stage], "for results to be split and returned")
    cause = wait.stage.value if wait.in_requests else IdleCause.SYNC_OR_OUTPUT.value
    remedies = [] if _outputs_are_small(inputs.analysis) else [_fewer_outputs()]
    threads = batch_threads(inputs.analysis)
    if inputs.analysis.queues:
        remedies.append(
            parameter_remedy(
                inputs.analysis,
                "Let another batch run while one is being returned: send more requests at once, "
                f"and set num_batch_threads{from_to(threads)} to the number of batches that "
                "should overlap.",
                threads,
                "More batches compete for the same cores.",
            )
        )
    return wait_finding(
        inputs,
        wait,
        words,
        Basis(on_device=False),
        rule=ID,
        cause=cause,
        causes=CAUSES,
        evidence=_evidence(inputs.analysis),
        remedies=tuple(remedies),
        gain=Unavailable("how much smaller outputs would save is not known from one recording"),
        verify=wait_halved(inputs, wait, CAUSES),
        rollback=(
            "Ask for all outputs again."
            if remedies[0].kind is RemedyKind.CLIENT
            else restore(threads)
        ),
    )


def _outputs_are_small(analysis: Analysis) -> bool:
    """Whether the GPU's copies show that a request returns hardly any bytes."""
    cost = top_model(analysis)
    if cost is None or isinstance(cost.bytes_out_per_request, Unavailable):
        return False
    return cost.bytes_out_per_request < thresholds.OUTPUT_MIN_BYTES and bool(analysis.queues)


def _fewer_outputs() -> Remedy:
    return Remedy(
        RemedyKind.CLIENT,
        RemedyPlace.CLIENT_CODE,
        "Return fewer or smaller outputs: name only those that are used in output_filter.",
        risk="None, as long as no client reads the other outputs.",
    )


def _evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    threads = batch_threads(analysis).now
    if isinstance(threads, Unavailable):
        return ()
    where = Source("batches", "num_batch_threads")
    return (Evidence("num_batch_threads", threads, "threads", where),)
