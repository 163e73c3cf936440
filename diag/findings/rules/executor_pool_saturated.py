"""Runs are ready, but no thread of TensorFlow's inter-op pool is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence, order_by_cores
from diag.findings.device import is_saturated
from diag.findings.enable_batching import batching_instead_of_threads, enable_batching
from diag.findings.inter_op import (
    INTER_OP_FLAG,
    INTER_OP_POOL,
    inter_op_threads,
    more_inter_op_threads,
)
from diag.findings.interference import find_interference
from diag.findings.metrics import not_above
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
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
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

ID = "executor-pool-saturated"
CAUSES = (IdleCause.QUEUE_EXECUTOR,)
WORDS = WaitWords(
    of_requests="waiting for a TensorFlow inter-op thread",
    of_idle="for TensorFlow inter-op threads",
)


def find(inputs: RuleInputs) -> Finding | None:
    """Queue-executor takes a large share of request time, or keeps the device idle.

    Source of the flag: model_servers/main.cc of tensorflow/serving 9d981c5c.
    """
    wait = find_wait(inputs, (Stage.QUEUE_EXECUTOR,), CAUSES)
    if wait is None or batching_instead_of_threads(inputs) is not None:
        return None  # batching-disabled tells it
    if find_interference(inputs.analysis, Stage.QUEUE_EXECUTOR) is not None:
        return None  # model-interference tells it
    if not wait.in_idle and wait.mean_ns < thresholds.PART_MIN_NS:
        return None  # a free thread takes as long to begin
    if inputs.on_device and is_saturated(inputs):
        return None  # the threads wait for the GPU, and more of them would do so too
    threads = inter_op_threads(inputs.analysis)
    more_threads = more_inter_op_threads(inputs.analysis)
    more_cpu = Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.FLEET,
        "If all cores are busy: more CPU, fewer models on this machine, or another replica.",
    )
    remedies = order_by_cores(inputs.analysis, more_threads, (more_cpu,))
    batching = enable_batching(inputs.analysis, threads) if wait.in_requests else None
    if batching is not None:
        remedies = (batching.remedy, *remedies)
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(on_device=False),
        rule=ID,
        cause=Stage.QUEUE_EXECUTOR.value,
        causes=CAUSES,
        evidence=(
            *cpu_evidence(inputs.analysis),
            *_evidence(inputs.analysis, threads),
            *(batching.evidence if batching is not None else ()),
        ),
        remedies=remedies,
        gain=Unavailable("how waiting falls with more threads depends on free CPU cores"),
        verify=(
            *wait_halved(inputs, wait, CAUSES),
            *not_above(inputs.analysis, "stage.compute.mean"),
        ),
        rollback=_rollback(remedies[0], more_threads),
    )


def _rollback(first: Remedy, more_threads: Remedy) -> str:
    if first is more_threads:
        return f"Start the server with the earlier {INTER_OP_FLAG}, or without it."
    return "Put the earlier replicas back."


def _evidence(analysis: Analysis, threads: int) -> tuple[Evidence, ...]:
    items = []
    if threads:
        where = Source("trace", f"threads named {INTER_OP_POOL}/N")
        items.append(Evidence("inter-op threads seen", threads, "threads", where))
    for pool in analysis.pool_waits:
        mean_ns = pool.wait.mean_ns
        if pool.pool == INTER_OP_POOL and not isinstance(mean_ns, Unavailable):
            where = Source("pool_waits", INTER_OP_POOL)
            items.append(Evidence("mean wait of a closure", mean_ns, "ns", where))
    return tuple(items)
