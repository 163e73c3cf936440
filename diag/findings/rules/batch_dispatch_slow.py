"""Batches are ready and a batch thread is free, but the scheduler starts them late."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.analysis.cpu import throttled_ns
from diag.findings import thresholds
from diag.findings.batching import batch_timeout_us, from_to, parameter_remedy, restore
from diag.findings.confidence import Basis
from diag.findings.cpu import cpu_evidence
from diag.findings.metrics import not_above
from diag.findings.sources import BATCHES, KNOWN_SCHEDULER
from diag.findings.timeout_gain import gain_of_timeout
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
from diag.model.quantity import duration
from diag.model.serving import Stage
from diag.simulation.options import POLL_PERIOD_NS

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.findings.waits import Wait
    from diag.model.finding import Setting

ID = "batch-dispatch-slow"
NEEDS = (BATCHES, KNOWN_SCHEDULER)
CAUSES = (IdleCause.QUEUE_DISPATCH,)
WORDS = WaitWords(
    of_requests="in ready batches, waiting to be started although a batch thread was free",
    of_idle="for ready batches to be started",
)


def find(inputs: RuleInputs) -> Finding | None:
    """Queue-dispatch takes a large share of request time.

    With a timeout above 0, a free batch thread finds a batch that timed out only by looking at the
    queues, every 1 ms (SharedBatchScheduler::ThreadLogic, shared_batch_scheduler.h, TensorFlow
    2.21). With a timeout of 0, and when a batch is full, Queue::Schedule notifies a thread. A
    longer wait means that the threads got no CPU. A server that runs with a longer timeout than
    it was told to is found where the queue's parameters are chosen
    (analysis/batching/contradictions.py).
    """
    wait = find_wait(inputs, (Stage.QUEUE_DISPATCH,), CAUSES)
    if wait is None or (_is_prompt(wait) and not wait.in_idle):
        return None
    setting = _no_timeout(inputs)
    remedies = _remedies(inputs, wait, setting, _more_cpu(setting))
    polls = remedies[0].setting is not None
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(on_device=False, on_parameters=True),
        rule=ID,
        cause=Stage.QUEUE_DISPATCH.value,
        causes=CAUSES,
        evidence=(*cpu_evidence(inputs.analysis), *_evidence(setting)),
        counter_evidence=(_throttling(inputs),),
        remedies=remedies,
        gain=(
            gain_of_timeout(inputs, setting)
            if polls
            else Unavailable("how fast threads are scheduled with more CPU cannot be computed")
        ),
        verify=(
            *wait_halved(inputs, wait, CAUSES),
            *not_above(inputs.analysis, "latency.mean"),
        ),
        rollback=restore(setting) if polls else "Put the earlier CPU limit back.",
    )


def _is_prompt(wait: Wait) -> bool:
    """Whether threads start batches as fast as they can be notified of them."""
    return wait.in_requests and wait.mean_ns <= 2 * thresholds.WAKE_NS


def _no_timeout(inputs: RuleInputs) -> Setting:
    """A timeout of 0, where it is not 0 already."""
    setting = batch_timeout_us(inputs.analysis)
    return setting if setting.now == 0 else replace(setting, to=0)


def _remedies(inputs: RuleInputs, wait: Wait, setting: Setting, cpu: Remedy) -> tuple[Remedy, ...]:
    """No timeout where the poll explains the wait; CPU first where it is longer than polls."""
    if setting.now == 0:
        return (cpu,)
    at_once = parameter_remedy(
        inputs.analysis,
        f"Let requests wake a batch thread: batch_timeout_micros{from_to(setting)}. With a "
        "timeout, free threads find batches that timed out only by looking every 1 ms.",
        setting,
        "Batches get smaller, so the same load costs more batches.",
    )
    is_late = wait.mean_ns > thresholds.LATE_POLLS * POLL_PERIOD_NS
    return (cpu, at_once) if is_late else (at_once, cpu)


def _evidence(setting: Setting) -> tuple[Evidence, ...]:
    if isinstance(setting.now, Unavailable):
        return ()
    where = Source("batches", "batch_timeout_micros")
    return (Evidence("batch_timeout_micros", setting.now, "setting", where),)


def _more_cpu(setting: Setting) -> Remedy:
    why = "Free batch threads look for work every 1 ms; a longer wait"
    if setting.now == 0:
        why = "With batch_timeout_micros 0 a request wakes a free batch thread; a wait"
    return Remedy(
        RemedyKind.DEPLOYMENT,
        RemedyPlace.CONTAINER,
        f"Give the server more CPU. {why} means that they did not get a core.",
        risk="None known; the machine has fewer cores for others.",
    )


def _throttling(inputs: RuleInputs) -> CounterEvidence:
    looked_for = "CPU throttling, which would be the cause behind it"
    counted = throttled_ns(inputs.analysis)
    if isinstance(counted, Unavailable):
        return CounterEvidence(looked_for, counted)
    return CounterEvidence(looked_for, counted > 0, f"{duration(counted)} by the cgroup's counter")
