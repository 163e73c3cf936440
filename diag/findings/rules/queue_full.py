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
    threads_load,
)
from diag.findings.failed import FailureCause
from diag.findings.failure_finding import failure_finding, share_of
from diag.findings.metrics import measure
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Evidence, Finding, Remedy, Setting, Source
from diag.model.quantity import duration
from diag.model.serving import Origin
from diag.simulation.options import QueueOptions

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.failure_finding import FailureInputs

ID = "queue-full"
# A queue of two batches refused a quarter of the requests, one of a hundred none, under the same
# load of bursts (measured on a live server of 2 cores).
_LONGER_FACTOR = 10


def find_failed(inputs: FailureInputs) -> Finding | None:
    """Requests that the scheduler refused although they fit into a batch.

    Source: shared_batch_scheduler.h, Queue::Schedule, TensorFlow 2.21: UNAVAILABLE where the queue
    holds max_enqueued_batches already; the model server does not try again.
    """
    share = share_of(inputs.failed, FailureCause.QUEUE_FULL)
    if not share.traced:
        return None
    analysis = inputs.analysis
    is_busy, evidence = _threads_busy(analysis)
    longer, larger = _longer_queue(analysis), larger_size(analysis)
    remedies: tuple[Remedy, ...] = (longer,)
    if larger is not None:
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


def _threads_busy(analysis: Analysis) -> tuple[bool, tuple[Evidence, ...]]:
    """Whether the batch threads keep up with no more than today's load."""
    load, threads = threads_load(analysis), batch_threads(analysis).now
    if isinstance(load, Unavailable) or isinstance(threads, Unavailable):
        return False, ()
    where = Source("batches")
    evidence = (
        Evidence("batch threads busy on average", load, "threads", where),
        Evidence("num_batch_threads", threads, "threads", where),
    )
    return load > thresholds.THREADS_MAX_LOAD * float(threads), evidence


def _longer_queue(analysis: Analysis) -> Remedy:
    """More batches may wait. It helps against bursts, not against lasting overload."""
    file, service = analysis.capture.batching_parameters, measure(analysis, "batches.service.mean")
    unknown = Unavailable("not in the recording")
    setting = Setting("max_enqueued_batches", unknown, unknown)
    if isinstance(file, BatchingParameters):
        now = QueueOptions.from_parameters(file).enqueued_batches_limit
        setting = replace(setting, now=now, to=_LONGER_FACTOR * now, origin=Origin.FILE.value)
    risk = "Requests wait longer in a longer queue; under lasting overload it fills as well."
    threads, to = batch_threads(analysis).now, setting.to
    if not (
        isinstance(service, Unavailable)
        or isinstance(threads, Unavailable)
        or isinstance(to, Unavailable)
    ):
        longest_ns = float(to) * service / max(1.0, float(threads))
        risk = (
            f"A request at the end of the full queue waits about {duration(longest_ns)}; under "
            "lasting overload the longer queue fills as well."
        )
    default = "" if isinstance(file, BatchingParameters) else " (10 if it is not set)"
    return parameter_remedy(
        analysis,
        f"Let more batches wait: max_enqueued_batches{from_to(setting)}{default}.",
        setting,
        risk,
    )
