"""Runs are ready, but no thread of TensorFlow's inter-op pool is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence, if_free_cores, order_by_cores
from diag.findings.enable_batching import batching_instead_of_threads, enable_batching
from diag.findings.inter_op import INTER_OP_POOL, inter_op_threads
from diag.findings.interference import (
    find_interference,
    interference_evidence,
    interference_sentence,
    with_apart,
)
from diag.findings.metrics import not_above
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Setting,
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
FLAG = "--tensorflow_inter_op_parallelism"


def find(inputs: RuleInputs) -> Finding | None:
    """Queue-executor takes a large share of request time, or keeps the device idle.

    Source of the flag: model_servers/main.cc of tensorflow/serving 9d981c5c.
    """
    pair = find_interference(inputs.analysis, Stage.QUEUE_EXECUTOR)
    wait = find_wait(inputs, (Stage.QUEUE_EXECUTOR,), CAUSES, of_one_model=pair is not None)
    if wait is None or batching_instead_of_threads(inputs) is not None:
        return None  # batching-disabled tells it
    if pair is None and not wait.in_idle and wait.mean_ns < thresholds.PART_MIN_NS:
        return None  # a free thread takes as long to begin
    threads = inter_op_threads(inputs.analysis)
    setting = Setting(
        FLAG,
        threads or Unavailable("no thread of the pool was recorded"),
        2 * threads or Unavailable("today's number of threads is not known"),
        origin="estimated" if threads else "",
    )
    seen = f" to {2 * threads} (threads seen: {threads})" if threads else ""
    more_threads = Remedy(
        RemedyKind.FLAG,
        RemedyPlace.SERVER_FLAG,
        f"Raise {FLAG}{seen}{if_free_cores(inputs.analysis)}.",
        setting,
        "With all cores busy, more threads make every op slower.",
    )
    more_cpu = Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.FLEET,
        "If all cores are busy: more CPU, fewer models on this machine, or another replica.",
    )
    remedies = order_by_cores(inputs.analysis, more_threads, (more_cpu,))
    batching = enable_batching(inputs.analysis, threads) if wait.in_requests else None
    if batching is not None:
        remedies = (batching.remedy, *remedies)
    if pair is not None:
        remedies = with_apart(pair, remedies)
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
            *(interference_evidence(pair, Stage.QUEUE_EXECUTOR) if pair is not None else ()),
        ),
        remedies=remedies,
        gain=Unavailable(
            "how waiting falls with more threads or fewer models depends on free CPU cores"
        ),
        verify=(
            *wait_halved(inputs, wait, CAUSES),
            *not_above(inputs.analysis, "stage.compute.mean"),
        ),
        rollback=_rollback(remedies[0], more_threads),
        pair=interference_sentence(pair, "inter-op threads") if pair is not None else "",
    )


def _rollback(first: Remedy, more_threads: Remedy) -> str:
    if first is more_threads:
        return f"Start the server with the earlier {FLAG}, or without it."
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
