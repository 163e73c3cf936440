"""Batching is on, but nearly every batch holds a single request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.findings.batching import (
    batch_threads,
    batch_timeout_us,
    from_to,
    parameter_remedy,
    restore,
    round_125,
)
from diag.findings.confidence import Basis, judge
from diag.findings.metrics import check, measure, not_above
from diag.findings.shares import window_ratio
from diag.findings.sources import BATCHES, KNOWN_SCHEDULER
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Severity, Source, Tier
from diag.model.serving import MODES, Mode

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.model.finding import Remedy, Setting

ID = "batching-ineffective"
NEEDS = (BATCHES, KNOWN_SCHEDULER)


def find(inputs: RuleInputs) -> Finding | None:
    """Batches of about one request, although several requests are open and the device is busy.

    A batch starts as soon as a batch thread is free where batch_timeout_micros is 0, so that with
    as many threads as open requests none is ever shared (batching/README.md of tensorflow/serving
    9d981c5c; shared_batch_scheduler.h, TensorFlow 2.21).
    """
    tasks, opened, busy = _requests_in_a_batch(inputs), _open_requests(inputs), _busy(inputs)
    if (
        len(inputs.analysis.batches) < thresholds.INEFFECTIVE_BATCHES_MIN
        or tasks > thresholds.INEFFECTIVE_MAX_REQUESTS
    ):
        return None
    if opened < thresholds.INEFFECTIVE_OPEN_MIN or busy < thresholds.INEFFECTIVE_MIN_BUSY:
        return None
    timeout, threads = _timeout(inputs), _threads(inputs, opened)
    confidence, reason = judge(inputs, Basis(on_device=False, on_parameters=True))
    return Finding(
        id=ID,
        cause=ID,
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=(
            f"Batches hold {tasks:.1f} requests on average, although {opened:.1f} are open at a "
            "time: batching has no effect."
        ),
        evidence=(
            Evidence("requests in a batch, mean", tasks, "requests", Source("batches", "tasks")),
            Evidence("requests open at a time, mean", opened, "requests", Source("requests")),
            Evidence("busy", busy, "ratio", Source("idle", inputs.timeline_name)),
        ),
        counter_evidence=(_rows_share_a_request(inputs),),
        remedies=_remedies(inputs, timeout, threads),
        gain=Unavailable("what larger batches save depends on the model and needs a simulation"),
        verify=(
            check(inputs.analysis, "batches.rows_mean", low=_rows_aim(inputs)),
            *not_above(inputs.analysis, "latency.p99"),
        ),
        rollback=restore(timeout if not isinstance(timeout.to, Unavailable) else threads),
        tier=Tier.DEVICE_TIME,
        at_stake_ns=busy * (1 - 1 / opened) * 1e9,
    )


def _requests_in_a_batch(inputs: RuleInputs) -> float:
    tasks = inputs.analysis.batches.tasks
    return float(tasks.mean()) if len(tasks) else 0.0


def _open_requests(inputs: RuleInputs) -> float:
    """Batched requests that are open on average: their time over that of the window."""
    requests = inputs.analysis.requests
    batched = requests.mode_index != MODES.index(Mode.UNBATCHED)
    window_ns = inputs.analysis.capture.window.duration_ns
    return float(np.sum(requests.duration_ns[batched])) / max(1, window_ns)


def _busy(inputs: RuleInputs) -> float:
    gaps = inputs.gaps
    return 0.0 if gaps is None else window_ratio(gaps, gaps.timeline.busy_ns)


def _timeout(inputs: RuleInputs) -> Setting:
    """Where it is 0: half the time of a batch, as 1, 2 or 5."""
    setting, service = (
        batch_timeout_us(inputs.analysis),
        measure(inputs.analysis, "batches.service.mean"),
    )
    if setting.now != 0 or isinstance(service, Unavailable):
        return setting
    return replace(setting, to=max(1, round_125(service / 2 / 1000)))


def _threads(inputs: RuleInputs, opened: float) -> Setting:
    """Half of the requests that are open, so that two of them share a batch."""
    setting, to = batch_threads(inputs.analysis), max(1, int(opened / 2))
    if isinstance(setting.now, Unavailable) or float(setting.now) <= to:
        return setting
    return replace(setting, to=to)


def _remedies(inputs: RuleInputs, timeout: Setting, threads: Setting) -> tuple[Remedy, ...]:
    """What can change first: a timeout of 0, then more threads than batches can use."""
    wait = parameter_remedy(
        inputs.analysis,
        f"Let batches wait for a second request: raise batch_timeout_micros{from_to(timeout)}.",
        timeout,
        "Each request may wait that long for others.",
    )
    fewer = parameter_remedy(
        inputs.analysis,
        f"Run fewer batches at once, so that requests share them: lower "
        f"num_batch_threads{from_to(threads)}.",
        threads,
        "If a batch of two takes twice as long, requests only wait longer.",
    )
    return (wait, fewer) if not isinstance(timeout.to, Unavailable) else (fewer, wait)


def _rows_aim(inputs: RuleInputs) -> float:
    """Half as many rows again as in today's batches."""
    rows = measure(inputs.analysis, "batches.rows_mean")
    return 1.5 if isinstance(rows, Unavailable) else 1.5 * rows


def _rows_share_a_request(inputs: RuleInputs) -> CounterEvidence:
    """Whether clients batch by themselves, which makes the server's batching unnecessary."""
    rows = measure(inputs.analysis, "batches.rows_mean")
    looked_for = "clients that send many rows in each request, so that batches are large anyway"
    if isinstance(rows, Unavailable):
        return CounterEvidence(looked_for, rows)
    return CounterEvidence(looked_for, rows >= 8, f"{rows:.1f} rows in a batch")
