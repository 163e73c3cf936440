"""Requests wait for their batch to fill, or for batch_timeout_micros to pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings.batching import (
    batch_timeout_us,
    closed_share,
    from_to,
    of_scope,
    parameter_remedy,
    restore,
    round_125,
)
from diag.findings.concurrency import is_capped
from diag.findings.confidence import Basis
from diag.findings.metrics import check, measure, not_above
from diag.findings.nested_batching import is_mostly_nested
from diag.findings.sources import BATCHES, KNOWN_SCHEDULER
from diag.findings.timeout_gain import gain_of_timeout, keeps_up_alone, longest_fill_ns
from diag.findings.waits import Wait, WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
    Check,
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    Setting,
    Source,
)
from diag.model.gaps import IdleCause
from diag.model.serving import CloseReason, Stage
from diag.simulation.options import POLL_PERIOD_NS

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

ID = "batch-timeout-dominates"
NEEDS = (BATCHES, KNOWN_SCHEDULER)
CAUSES = (IdleCause.QUEUE_FILL,)
WORDS = WaitWords(
    of_requests="waiting for a batch to fill or time out",
    of_idle="for batches to fill",
)
_FILL = "stage.queue-fill.mean"
_SERVICE = "batches.service.mean"


def find(inputs: RuleInputs) -> Finding | None:
    """Queue-fill takes a large share of request time, or keeps the device idle.

    Source of the remedy: batching/README.md of tensorflow/serving 9d981c5c; a batch with a
    timeout of 0 starts as soon as a thread is free (shared_batch_scheduler.h, TensorFlow 2.21).
    """
    wait = find_wait(inputs, (Stage.QUEUE_FILL,), CAUSES)
    if wait is None or is_capped(inputs) or is_mostly_nested(inputs, wait.mean_ns):
        return None  # batch-capped-by-concurrency or double-batching tells it
    setting = _lower_timeout(inputs)
    service = _batch_time_ns(inputs.analysis, setting)
    return wait_finding(
        inputs,
        wait,
        WORDS,
        Basis(on_device=False, on_parameters=True),
        rule=ID,
        cause=Stage.QUEUE_FILL.value,
        causes=CAUSES,
        evidence=_evidence(setting, service),
        counter_evidence=(_full_batches(inputs),),
        remedies=(
            parameter_remedy(
                inputs.analysis,
                f"Lower {setting.name}{of_scope(setting)}{from_to(setting)}{_reason(setting)}.",
                setting,
                "Batches get smaller, so the same load costs more batches.",
            ),
            *_at_once(inputs.analysis, setting),
        ),
        gain=gain_of_timeout(inputs, setting),
        verify=_checks(inputs, wait, setting),
        rollback=restore(setting),
    )


def _evidence(setting: Setting, service: float | Unavailable) -> tuple[Evidence, ...]:
    items = []
    if not isinstance(setting.now, Unavailable):
        where = Source("batches", "batch_timeout_micros")
        items.append(Evidence("batch_timeout_micros", setting.now, "setting", where))
    if not isinstance(service, Unavailable):
        items.append(Evidence("mean time of a batch", service, "ns", Source("batches")))
    return tuple(items)


def _reason(setting: Setting) -> str:
    """Why that value."""
    if isinstance(setting.to, Unavailable):
        return ""
    if setting.to != 0:
        return ", at most half the time of a batch"
    return ": a batch then starts as soon as a batch thread is free"


def _at_once(analysis: Analysis, setting: Setting) -> tuple[Remedy, ...]:
    """A timeout of 0, where that is not the advice already."""
    if setting.to == 0:
        return ()
    at_once = replace(setting, to=0)
    return (
        parameter_remedy(
            analysis,
            f"Lower {setting.name}{of_scope(setting)}{from_to(at_once)}: a batch then starts as "
            "soon as a batch thread is free.",
            at_once,
            "With many free threads, most batches hold a single request.",
        ),
    )


def _lower_timeout(inputs: RuleInputs) -> Setting:
    """Half the time of a batch, as 1, 2 or 5: waiting longer than a batch takes only delays.

    Below the period of the scheduler's poll it is 0 instead, if the threads keep up: any other
    timeout waits for that poll as well.
    """
    setting = batch_timeout_us(inputs.analysis)
    service = _batch_time_ns(inputs.analysis, setting)
    if isinstance(setting.now, Unavailable) or isinstance(service, Unavailable):
        return setting
    to = round_125(service / 2 / 1000)
    polls = to * 1000 < POLL_PERIOD_NS and keeps_up_alone(inputs.analysis) is True
    return replace(setting, to=0 if polls or to >= float(setting.now) else to)


def _batch_time_ns(analysis: Analysis, setting: Setting) -> float | Unavailable:
    """Mean time of the batches to which the timeout applies."""
    for summary in analysis.queues:
        if summary.model == setting.scope:
            return summary.service.mean_ns
    return measure(analysis, _SERVICE)


def _full_batches(inputs: RuleInputs) -> CounterEvidence:
    full = closed_share(inputs.analysis, CloseReason.SIZE)
    looked_for = "batches that were full before the timeout"
    if isinstance(full, Unavailable):
        return CounterEvidence(looked_for, full)
    return CounterEvidence(looked_for, full > 0.5, f"{full:.0%} of batches were full")


def _checks(inputs: RuleInputs, wait: Wait, setting: Setting) -> tuple[Check, ...]:
    """The wait that the new timeout allows at most, and batches that take no longer."""
    same_batches = not_above(inputs.analysis, _SERVICE)
    if isinstance(setting.to, Unavailable) or not wait.in_requests:
        return (*wait_halved(inputs, wait, CAUSES), *same_batches)
    high = float(longest_fill_ns(inputs, setting, float(setting.to)).mean())
    return (check(inputs.analysis, _FILL, high=high), *same_batches)
