"""Many requests run at once, each in a run of its own: batching is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence
from diag.findings.enable_batching import batching_instead_of_threads
from diag.findings.inter_op import inter_op_threads
from diag.findings.metrics import not_above
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Source,
)
from diag.model.gaps import IdleCause
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "batching-disabled"
CAUSES = (IdleCause.QUEUE_EXECUTOR,)
WORDS = WaitWords(
    of_requests="waiting for a TensorFlow inter-op thread, because each has a run of its own: "
    "batching is off",
    of_idle="for TensorFlow inter-op threads",
)


def find(inputs: RuleInputs) -> Finding | None:
    """Unbatched requests wait for inter-op threads, and enough of one model are open to share runs.

    Measured on a live server: batching served seven times as many requests a second as more
    threads could have (tests/recordings/README.md, ``unb_overload``).
    """
    batching = batching_instead_of_threads(inputs)
    wait = find_wait(inputs, (Stage.QUEUE_EXECUTOR,), CAUSES)
    if batching is None or wait is None:
        return None
    analysis = inputs.analysis
    threads = inter_op_threads(analysis)
    where = Source("trace", "threads of the inter-op pool")
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(on_device=False),
        rule=ID,
        cause=Stage.QUEUE_EXECUTOR.value,
        causes=CAUSES,
        evidence=(
            *cpu_evidence(analysis),
            Evidence("inter-op threads seen", threads, "threads", where),
            *batching.evidence,
        ),
        counter_evidence=(
            CounterEvidence(
                "clients that send many rows in each request, so that a run is large anyway",
                Unavailable("the rows of an unbatched request are not in the trace"),
            ),
        ),
        remedies=(
            batching.remedy,
            Remedy(
                RemedyKind.DEPLOYMENT,
                RemedyPlace.FLEET,
                "Or, if the inputs of requests cannot be joined: more CPU, or another replica.",
            ),
        ),
        gain=Unavailable("what a row costs in a batch is not in a recording without batches"),
        verify=(*wait_halved(inputs, wait, CAUSES), *not_above(analysis, "latency.mean")),
        rollback=batching.rollback,
    )
