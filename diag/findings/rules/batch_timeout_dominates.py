"""Requests wait for their batch to fill, or for batch_timeout_micros to pass."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.findings.batching import (
    batch_threads,
    batch_timeout_us,
    closed_share,
    from_to,
    parameter_remedy,
    restore,
    round_125,
    threads_load,
)
from diag.findings.confidence import Basis
from diag.findings.in_force import file_doubt
from diag.findings.metrics import check, measure, not_above
from diag.findings.waits import Wait, WaitWords, find_wait, wait_finding, wait_halved
from diag.model.availability import Unavailable
from diag.model.finding import (
    Check,
    CounterEvidence,
    Evidence,
    Finding,
    Gain,
    Remedy,
    Setting,
    Source,
)
from diag.model.gaps import IdleCause
from diag.model.serving import CloseReason, Stage
from diag.simulation.options import POLL_PERIOD_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs

ID = "batch-timeout-dominates"
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
    if wait is None:
        return None
    setting, service = _lower_timeout(inputs), measure(inputs.analysis, _SERVICE)
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
                f"Lower batch_timeout_micros{from_to(setting)}{_reason(setting)}.",
                setting,
                "Batches get smaller, so the same load costs more batches.",
            ),
            *_at_once(inputs.analysis, setting),
        ),
        gain=_gain(inputs, setting),
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
    is_half = not isinstance(setting.to, Unavailable) and setting.to != 0
    return ", at most half the time of a batch" if is_half else ""


def _at_once(analysis: Analysis, setting: Setting) -> tuple[Remedy, ...]:
    """A timeout of 0, where that is not the advice already."""
    if setting.to == 0:
        return ()
    return (
        parameter_remedy(
            analysis,
            "Or set it to 0: a batch then starts as soon as a batch thread is free.",
            replace(setting, to=0),
            "With many free threads, most batches hold a single request.",
        ),
    )


def _lower_timeout(inputs: RuleInputs) -> Setting:
    """Half the time of a batch, as 1, 2 or 5: waiting longer than a batch takes only delays."""
    setting = batch_timeout_us(inputs.analysis)
    service = measure(inputs.analysis, _SERVICE)
    if isinstance(setting.now, Unavailable) or isinstance(service, Unavailable):
        return setting
    to = round_125(service / 2 / 1000)
    return replace(setting, to=to if to < float(setting.now) else 0)


def _full_batches(inputs: RuleInputs) -> CounterEvidence:
    full = closed_share(inputs.analysis, CloseReason.SIZE)
    looked_for = "batches that were full before the timeout"
    if isinstance(full, Unavailable):
        return CounterEvidence(looked_for, full)
    return CounterEvidence(looked_for, full > 0.5, f"{full:.0%} of batches were full")


def _gain(inputs: RuleInputs, setting: Setting) -> Gain | Unavailable:
    """Cuts the recorded wait of each request; says nothing where threads would get busy."""
    if isinstance(setting.to, Unavailable) or isinstance(setting.now, Unavailable):
        return Unavailable("today's timeout is not known")
    analysis = inputs.analysis
    if file_doubt(analysis):
        return Unavailable("the file's timeout contradicts the trace")
    load, threads = threads_load(analysis), batch_threads(analysis).now
    if isinstance(load, Unavailable) or isinstance(threads, Unavailable):
        return Unavailable("how busy the batch threads are is not known")
    rows = measure(analysis, "batches.rows_mean")
    # At worst each request becomes a batch of its own that takes as long as a batch does today.
    alone = load * (1.0 if isinstance(rows, Unavailable) else max(1.0, rows))
    if alone > thresholds.THREADS_MAX_LOAD * float(threads):
        return Unavailable(
            "the batch threads may not keep up with smaller batches; that needs a simulation"
        )
    to_us, now_us = float(setting.to), float(setting.now)
    fill, longest = _fill(inputs), _longest_fill(inputs, to_us)
    shortest = np.minimum(fill * (to_us / now_us), longest) if now_us else longest
    mean = inputs.shares.mean_ns
    return Gain(
        metric="latency.mean",
        unit="ns",
        now=mean,
        low=mean - float((fill - shortest).mean()),
        high=mean - float((fill - longest).mean()),
        method=(
            "Each recorded wait is cut to the new timeout: in proportion (low), or to the whole "
            "timeout and the scheduler's 1 ms poll (high). Everything else stays as it is."
        ),
    )


def _fill(inputs: RuleInputs) -> NDArray[np.float64]:
    """(complete requests,) recorded wait for the batch to fill, ns."""
    requests = inputs.analysis.requests
    fill_ns = requests.stage_ns[:, Stage.QUEUE_FILL.index][requests.complete]
    return np.asarray(fill_ns, np.float64)


def _longest_fill(inputs: RuleInputs, to_us: float) -> NDArray[np.float64]:
    """The same, cut to the new timeout and the poll that notices it."""
    return np.asarray(np.minimum(_fill(inputs), to_us * 1000 + POLL_PERIOD_NS), np.float64)


def _checks(inputs: RuleInputs, wait: Wait, setting: Setting) -> tuple[Check, ...]:
    """The wait that the new timeout allows at most, and batches that take no longer."""
    same_batches = not_above(inputs.analysis, _SERVICE)
    if isinstance(setting.to, Unavailable) or not wait.in_requests:
        return (*wait_halved(inputs, wait, CAUSES), *same_batches)
    high = float(_longest_fill(inputs, float(setting.to)).mean())
    return (check(inputs.analysis, _FILL, high=high), *same_batches)
