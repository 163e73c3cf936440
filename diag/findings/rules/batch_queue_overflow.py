"""The batching queue is full, so that the server refuses requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.batch_size import larger_size
from diag.findings.batching import (
    batch_threads,
    from_to,
    parameter_remedy,
    restore,
    threads_busy_ratio,
)
from diag.findings.failed_answers import FailureCause
from diag.findings.failure_finding import failure_finding, share_of
from diag.findings.metrics import measure
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Evidence, Finding, Remedy, Setting, Source
from diag.model.quantity import duration
from diag.model.serving import Origin
from diag.simulation.options import DEFAULT_MAX_ENQUEUED_BATCHES, QueueOptions

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.failure_finding import FailureInputs

ID = "batch-queue-overflow"


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Requests that the scheduler refused although they fit into a batch.

    Source: shared_batch_scheduler.h, Queue::Schedule, TensorFlow 2.21: UNAVAILABLE where the queue
    holds max_enqueued_batches already; the model server does not try again.
    """
    share = share_of(inputs.failed, FailureCause.QUEUE_OVERFLOW)
    if not share.traced:
        return None
    analysis = inputs.analysis
    busy = threads_busy_ratio(analysis)
    is_busy = not isinstance(busy, Unavailable) and busy > thresholds.THREADS_MAX_LOAD
    evidence = _evidence(analysis, busy)
    longer, larger = _longer_queue(analysis, busy), larger_size(analysis)
    remedies: tuple[Remedy, ...] = (longer,)
    # Larger batches serve more, which threads that are free most of the time do not need.
    if larger is not None and (is_busy or isinstance(busy, Unavailable)):
        remedies = (larger.remedy, longer) if is_busy else (longer, larger.remedy)
        evidence += larger.evidence
    return failure_finding(
        inputs,
        share,
        rule=ID,
        why="the batching queue was full",
        remedies=remedies,
        rollback="" if remedies[0].setting is None else restore(remedies[0].setting),
        evidence=evidence,
    )


def _evidence(analysis: Analysis, busy: float | Unavailable) -> tuple[Evidence, ...]:
    """How busy the batch threads are, of how many."""
    threads, where = batch_threads(analysis).now, Source("batches")
    if isinstance(busy, Unavailable) or isinstance(threads, Unavailable):
        return ()
    return (
        Evidence("batch threads busy", busy, "ratio", where),
        Evidence("num_batch_threads", threads, "threads", where),
    )


def _is_contradicted(analysis: Analysis) -> bool:
    """Whether a file was given that is not in force."""
    return any(summary.queue.contradictions for summary in analysis.queues)


def _longer_queue(analysis: Analysis, busy: float | Unavailable) -> Remedy:
    """More batches may wait. It helps against bursts, not against lasting overload."""
    file, service = analysis.capture.batching_parameters, measure(analysis, "batches.service.mean")
    unknown = Unavailable("not in the recording")
    to = thresholds.LONGER_QUEUE_FACTOR * DEFAULT_MAX_ENQUEUED_BATCHES
    setting = Setting("max_enqueued_batches", unknown, to)
    if isinstance(file, BatchingParameters) and not _is_contradicted(analysis):
        now = QueueOptions.from_parameters(file).enqueued_batches_limit
        setting = replace(
            setting, now=now, to=thresholds.LONGER_QUEUE_FACTOR * now, origin=Origin.FILE.value
        )
    risk = "Requests wait longer in a longer queue; under lasting overload it fills as well."
    threads = batch_threads(analysis).now
    if not (isinstance(service, Unavailable) or isinstance(threads, Unavailable)):
        assert not isinstance(setting.to, Unavailable)
        longest_ns = float(setting.to) * service / max(1.0, float(threads))
        risk = (
            f"A request at the end of the full queue waits about {duration(longest_ns)}; under "
            "lasting overload the longer queue fills as well."
        )
    why = ""
    if not isinstance(busy, Unavailable) and busy <= thresholds.THREADS_MAX_LOAD:
        why = (
            f" The batch threads are busy {busy:.0%} of the time: the queue is too short for "
            "bursts, the server is not too slow."
        )
    default = " (10 if it is not set)" if isinstance(setting.now, Unavailable) else ""
    return parameter_remedy(
        analysis,
        f"Let more batches wait: max_enqueued_batches{from_to(setting)}{default}.{why}",
        setting,
        risk,
    )
