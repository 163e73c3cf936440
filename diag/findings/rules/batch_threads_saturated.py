"""Batches are ready, but all batch threads are busy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batch_size import all_full_share, larger_known_size, larger_size
from diag.findings.batching import (
    closed_share,
    restore,
    threads_load,
)
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence
from diag.findings.interference import find_interference
from diag.findings.metrics import not_above
from diag.findings.more_threads import rollback_of_threads, thread_remedies
from diag.findings.sources import BATCHES, KNOWN_SCHEDULER
from diag.findings.splitting import find_splitting
from diag.findings.waits import WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
    CounterEvidence,
    Evidence,
    Finding,
    Source,
)
from diag.model.gaps import IdleCause
from diag.model.serving import CloseReason, Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.batch_size import LargerSize
    from diag.findings.inputs import RuleInputs
    from diag.findings.waits import Wait
    from diag.model.finding import Remedy

ID = "batch-threads-saturated"
NEEDS = (BATCHES, KNOWN_SCHEDULER)
CAUSES = (IdleCause.BATCH_THREADS_IN_HOST_WORK,)

WORDS = WaitWords(
    of_requests="in full or timed-out batches, waiting because all batch threads were busy",
    of_idle="while all batch threads do host work",
)


def find(inputs: RuleInputs) -> Finding | None:
    """Queue-thread takes a large share of request time, or host work holds all batch threads.

    Source of the remedy: batching/README.md of tensorflow/serving 9d981c5c (num_batch_threads).
    """
    wait = find_wait(inputs, (Stage.QUEUE_THREAD,), CAUSES)
    if wait is None or _is_told(inputs, wait):
        return None
    analysis = inputs.analysis
    larger = larger_size(analysis)
    remedies, rollback = _remedies(analysis, larger)
    # Larger batches take longer each, as they should; requests must not.
    unchanged = "latency.mean" if larger is not None else "batches.service.mean"
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(on_device=False, on_parameters=True),
        rule=ID,
        cause=Stage.QUEUE_THREAD.value,
        causes=CAUSES,
        evidence=(
            *_evidence(analysis),
            *(larger.evidence if larger is not None else ()),
        ),
        counter_evidence=(_timed_out(analysis),),
        remedies=remedies,
        gain=Unavailable("how waiting falls with other settings needs a simulation of the queue"),
        verify=(*wait_halved(inputs, wait, CAUSES), *not_above(analysis, unchanged)),
        rollback=rollback,
    )


def _is_told(inputs: RuleInputs, wait: Wait) -> bool:
    """Whether another rule tells the same waiting, and why it is.

    These are model-interference, batch-size-too-small and requests-split.
    """
    if find_interference(inputs.analysis, Stage.QUEUE_THREAD) is not None:
        return True
    if wait.in_requests and larger_known_size(inputs.analysis) is not None:
        return True
    splitting = find_splitting(inputs)
    return splitting is not None and splitting.delay_ns >= thresholds.HELD_MIN_SHARE * wait.mean_ns


def _remedies(analysis: Analysis, larger: LargerSize | None) -> tuple[tuple[Remedy, ...], str]:
    """Larger batches where these are worth a try, then threads if there are cores for them."""
    if larger is not None:
        return (larger.remedy, *thread_remedies(analysis)), restore(larger.setting)
    return thread_remedies(analysis), rollback_of_threads(analysis)


def _evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    items = list(cpu_evidence(analysis))
    load, full = threads_load(analysis), all_full_share(analysis)
    where = Source("batches")
    if not isinstance(load, Unavailable):
        items.append(Evidence("batch threads busy on average", load, "threads", where))
    if not isinstance(full, Unavailable):
        items.append(Evidence("batches that were full", full, "ratio", where))
    return tuple(items)


def _timed_out(analysis: Analysis) -> CounterEvidence:
    waited = closed_share(analysis, CloseReason.TIMEOUT)
    looked_for = "batches that waited for the timeout instead of a thread"
    if isinstance(waited, Unavailable):
        return CounterEvidence(looked_for, waited)
    return CounterEvidence(looked_for, waited > 0.5, f"{waited:.0%} of batches timed out")
