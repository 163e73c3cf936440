"""Batches are ready, but all batch threads are busy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batching import (
    batch_threads,
    closed_share,
    from_to,
    max_batch_size,
    parameter_remedy,
    restore,
    threads_load,
)
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence, if_free_cores, order_by_cores
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
    Setting,
    Source,
)
from diag.model.gaps import IdleCause
from diag.model.serving import CloseReason, Stage

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

ID = "batch-threads-saturated"
# ratio of batches. From here on most batches would have taken more rows.
_MOSTLY_FULL = 0.5
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
    if wait is None:
        return None
    analysis = inputs.analysis
    remedies, rollback = _remedies(analysis)
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(on_device=False, on_parameters=True),
        rule=ID,
        cause=Stage.QUEUE_THREAD.value,
        causes=CAUSES,
        evidence=_evidence(analysis),
        counter_evidence=(_timed_out(analysis),),
        remedies=remedies,
        gain=Unavailable("how waiting falls with other settings needs a simulation of the queue"),
        verify=(
            *wait_halved(inputs, wait, CAUSES),
            *not_above(analysis, "batches.service.mean"),
        ),
        rollback=rollback,
    )


def _remedies(analysis: Analysis) -> tuple[tuple[Remedy, ...], str]:
    """Larger batches where most are full, then threads if there are cores for them."""
    threads, larger = _more_threads(analysis), _larger_batches(analysis)
    more_threads = parameter_remedy(
        analysis,
        f"Run more batches in parallel: num_batch_threads{from_to(threads)}"
        f"{if_free_cores(analysis)}.",
        threads,
        "With no free core, each batch takes longer and nothing is gained.",
    )
    replica = Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.FLEET,
        "Add a replica if the model itself keeps the threads busy.",
    )
    full = closed_share(analysis, CloseReason.SIZE)
    if not isinstance(full, Unavailable) and full >= _MOSTLY_FULL and larger.setting is not None:
        others = order_by_cores(analysis, more_threads, (replica,))
        return (larger, *others), restore(larger.setting)
    remedies = order_by_cores(analysis, more_threads, (larger, replica))
    rollback = restore(threads) if remedies[0] is more_threads else "Remove the replica again."
    return remedies, rollback


def _evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    items = list(cpu_evidence(analysis))
    load, full = threads_load(analysis), closed_share(analysis, CloseReason.SIZE)
    where = Source("batches")
    if not isinstance(load, Unavailable):
        items.append(Evidence("batch threads busy on average", load, "threads", where))
    if not isinstance(full, Unavailable):
        items.append(Evidence("batches that were full", full, "ratio", where))
    return tuple(items)


def _more_threads(analysis: Analysis) -> Setting:
    """Enough for today's load to keep them below ``THREADS_MAX_LOAD``, and at least one more."""
    setting, load = batch_threads(analysis), threads_load(analysis)
    if isinstance(setting.now, Unavailable) or isinstance(load, Unavailable):
        return setting
    enough = math.ceil(load / thresholds.THREADS_MAX_LOAD)
    return replace(setting, to=max(enough, int(setting.now) + 1))


def _larger_batches(analysis: Analysis) -> Remedy:
    """Twice as large; where allowed_batch_sizes is set, its last entry has to follow."""
    setting = max_batch_size(analysis)
    if not isinstance(setting.now, Unavailable):
        setting = replace(setting, to=2 * int(setting.now))
    return parameter_remedy(
        analysis,
        f"Allow larger batches: max_batch_size{from_to(setting)}, and the last entry of "
        "allowed_batch_sizes with it. It helps if a larger batch takes less time per row.",
        setting,
        "Each batch takes longer, and so does a request that is alone in it.",
    )


def _timed_out(analysis: Analysis) -> CounterEvidence:
    waited = closed_share(analysis, CloseReason.TIMEOUT)
    looked_for = "batches that waited for the timeout instead of a thread"
    if isinstance(waited, Unavailable):
        return CounterEvidence(looked_for, waited)
    return CounterEvidence(looked_for, waited > 0.5, f"{waited:.0%} of batches timed out")
