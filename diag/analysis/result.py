"""What analyze() returns: tables per request, batch and gap, and the summaries computed of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from diag.analysis.distribution import Distribution
from diag.analysis.execution.op_times import OpTime
from diag.analysis.execution.pool_waits import PoolWait
from diag.analysis.samples.devices import DeviceSamples
from diag.analysis.samples.metrics import ModelMetrics
from diag.analysis.samples.observer import ObserverFigure
from diag.analysis.samples.sources import SourceSummary
from diag.model.agreement import Agreement
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat
from diag.model.device import (
    DeviceClock,
    DeviceLoss,
    DeviceSummary,
    KernelTime,
    ModelDeviceCost,
)
from diag.model.events import Plane
from diag.model.gaps import GapTable, IdleCause, LongGap, Timeline
from diag.model.serving import BatchTable, CloseReason, Mode, Queue, RequestTable, Stage


@dataclass(frozen=True, slots=True)
class Counts:
    """What was seen and what had to be left out.

    Attributes:
        requests: Rows of the request table; unavailable where the tracer level hides requests.
        complete: Of these, with a whole chain; all statistics are over these.
        censored: Requests cut by an edge of the window (their parts were seen, not their root).
        refused: Enqueues the server turned away (BatchingSessionRun without ScheduleOutputTask).
        batches: Rows of the batch table.
        censored_batches: Batches with recorded enqueues but no whole ProcessBatch.
        ambiguous_links: Tasks whose batch id 0 could not be told apart between queues.
        split_requests: Requests whose rows went into more than one batch.
        batch_rows_missing: Rows of recorded batches whose request was censored.
        events: Events decoded.
    """

    requests: int | Unavailable
    complete: int | Unavailable
    censored: int
    refused: int
    batches: int
    censored_batches: int
    ambiguous_links: int
    split_requests: int
    batch_rows_missing: int
    events: int


@dataclass(frozen=True, slots=True)
class StageSummary:
    """One stage over a model's complete requests.

    Attributes:
        share: Of all request time of the model, 0 to 1.
        tail_ns: Mean over the requests around p99 (1 % of all) minus mean over those around p50
            (10 %): what p99 minus p50 is made of. Over all stages it adds up to the model's
            ``tail_ns``.
        known: False where no evidence bounds the stage in any request.
    """

    stage: Stage
    known: bool
    share: float
    time: Distribution
    tail_ns: float | Unavailable


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """The ledger of one model: one entry for each stage, in the order of Stage, adding up to 1."""

    model: str
    modes: tuple[Mode, ...]
    requests: int
    rate_per_second: float
    latency: Distribution
    tail_ns: float | Unavailable
    stages: tuple[StageSummary, ...]


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The batches of one queue.

    Attributes:
        rows_mean: Before padding.
        fill_ratio: Mean rows over max_batch_size, 0 to 1.
        padding_ratio: Padding rows over executed rows, 0 to 1.
        closed_by: Number of batches by reason.
        service: ProcessBatch durations.
    """

    queue: Queue
    model: str
    batches: int
    rows_mean: float
    fill_ratio: float | Unavailable
    padding_ratio: float | Unavailable
    closed_by: dict[CloseReason, int] = field(hash=False)
    service: Distribution


@dataclass(frozen=True, slots=True)
class GapSummary:
    """One timeline's idle time by cause, in ns; the values add up to ``idle_ns``.

    Attributes:
        waiting_ns: Idle with at least one open request.
        recoverable_ns_per_second: Starved idle time a second of the window.
    """

    timeline: Timeline
    idle_ns: int
    by_cause_ns: dict[IdleCause, int] = field(hash=False)
    starved_ns: int
    no_demand_ns: int
    waiting_ns: int
    recoverable_ns_per_second: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analysis:
    """Everything computed from one Capture, unrounded.

    Two analyses are equal only if they are the same object.

    Attributes:
        host: The host plane, whose rows the gaps' evidence names.
        devices: Every GPU plane, in plane order.
        kernels: The kernels with most time.
        device_ops: The ops with most device time.
        device_clock: Unavailable without device events.
        longest_gaps: Of each timeline, the longest first.
        agreements: Trace and samples compared, by GPU and source; empty without GPU samples.
        samples: Each source of samples, summarized over the window.
        sampled_devices: Each GPU of each source, summarized by itself.
        metrics: The server's counters between the two scrapes, by model.
        observer: Latency that the load generator measured around the capture.
    """

    capture: Capture
    host: Plane
    tracer_level: int | Unavailable
    counts: Counts
    requests: RequestTable
    batches: BatchTable
    timelines: tuple[Timeline, ...]
    gaps: GapTable
    models: tuple[ModelSummary, ...]
    queues: tuple[BatchSummary, ...]
    idle: tuple[GapSummary, ...]
    ops: tuple[OpTime, ...]
    pool_waits: tuple[PoolWait, ...]
    caveats: tuple[Caveat, ...]
    devices: tuple[DeviceSummary, ...]
    device_costs: tuple[ModelDeviceCost, ...]
    kernels: tuple[KernelTime, ...]
    device_ops: tuple[KernelTime, ...]
    device_clock: DeviceClock | Unavailable
    device_loss: DeviceLoss
    longest_gaps: tuple[LongGap, ...]
    agreements: tuple[Agreement, ...]
    samples: tuple[SourceSummary, ...]
    sampled_devices: tuple[DeviceSamples, ...]
    metrics: tuple[ModelMetrics, ...] | Unavailable
    observer: tuple[ObserverFigure, ...] | Unavailable

    def __repr__(self) -> str:
        requests = self.counts.requests
        known = "no" if isinstance(requests, Unavailable) else f"{requests:,}"
        return (
            f"Analysis({self.capture.name!r}, {known} requests, {self.counts.batches:,} batches, "
            f"{len(self.devices)} GPUs)"
        )

    def _repr_html_(self) -> str:
        from diag.analysis.notebook import analysis_html

        return analysis_html(self)
