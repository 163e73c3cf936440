"""Batches are ready and a batch thread is free, but the scheduler starts them late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence, throttled_ns
from diag.findings.in_force import file_doubt
from diag.findings.metrics import not_above
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Finding, Remedy, RemedyKind, RemedyPlace
from diag.model.gaps import IdleCause
from diag.model.quantity import duration
from diag.model.serving import Stage

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs

ID = "batch-dispatch-slow"
CAUSES = (IdleCause.QUEUE_DISPATCH,)
WORDS = WaitWords(
    of_requests="in ready batches, waiting to be started although a batch thread was free",
    of_idle="for ready batches to be started",
)


def find(inputs: RuleInputs) -> Finding | None:
    """Queue-dispatch takes a large share of request time.

    Free batch threads look for batches at least every 1 ms (SharedBatchScheduler::ThreadLogic,
    shared_batch_scheduler.h, TensorFlow 2.21). A longer wait means that they got no CPU, or that
    the batch was not ready: the server runs with a longer timeout than the file says.
    """
    wait = find_wait(inputs, (Stage.QUEUE_DISPATCH,), CAUSES)
    if wait is None:
        return None
    remedies = (_check_the_file(), _more_cpu()) if file_doubt(inputs.analysis) else (_more_cpu(),)
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(on_device=False, on_parameters=True),
        rule=ID,
        cause=Stage.QUEUE_DISPATCH.value,
        causes=CAUSES,
        evidence=cpu_evidence(inputs.analysis),
        counter_evidence=(_throttling(inputs),),
        remedies=remedies,
        gain=Unavailable("how fast threads are scheduled with more CPU cannot be computed"),
        verify=(
            *wait_halved(inputs, wait, CAUSES),
            *not_above(inputs.analysis, "latency.mean"),
        ),
        rollback="" if len(remedies) > 1 else "Put the earlier CPU limit back.",
    )


def _check_the_file() -> Remedy:
    return Remedy(
        RemedyKind.CAPTURE,
        RemedyPlace.CAPTURE_COMMAND,
        "Find out which batching parameters are in force: was the server restarted after the file "
        "was edited, and does the file apply to this model? Analyze again with these, or without a "
        "file.",
    )


def _more_cpu() -> Remedy:
    return Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.CONTAINER,
        "Give the server more CPU. Free batch threads look for work every 1 ms; a longer wait "
        "means that they did not get a core.",
        risk="None known; the machine has fewer cores for others.",
    )


def _throttling(inputs: RuleInputs) -> CounterEvidence:
    looked_for = "CPU throttling, which would be the cause behind it"
    counted = throttled_ns(inputs.analysis)
    if isinstance(counted, Unavailable):
        return CounterEvidence(looked_for, counted)
    return CounterEvidence(looked_for, counted > 0, f"{duration(counted)} by the cgroup's counter")
