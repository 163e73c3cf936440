"""The result of analyze(): tables of requests, batches and gaps, and their summaries."""

from __future__ import annotations

from dataclasses import dataclass, field

from diag.analysis.blocking import Blocking
from diag.analysis.clients.client_times import ClientView
from diag.analysis.distribution import Distribution
from diag.analysis.execution.op_times import OpTime
from diag.analysis.execution.pool_waits import PoolWait
from diag.analysis.execution.preprocess_loops import PreprocessLoop
from diag.analysis.fit import Fit
from diag.analysis.requests.paths import RequestPaths
from diag.analysis.samples.devices import DeviceSamples
from diag.analysis.samples.metrics import ModelMetrics
from diag.analysis.samples.observer import ObserverFigure
from diag.analysis.samples.probe import ProbeLatency
from diag.analysis.samples.sources import SourceSummary
from diag.analysis.tail import ModelTail
from diag.model.agreement import Agreement
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat
from diag.model.device import (
    Detours,
    DeviceClock,
    DeviceLoss,
    DeviceSummary,
    KernelSpread,
    KernelTime,
    ModelDeviceCost,
)
from diag.model.events import Plane
from diag.model.failures import Failures
from diag.model.gaps import GapTable, IdleCause, LongGap, Timeline
from diag.model.loops import Loops
from diag.model.notebook import html_table
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.program import Program
from diag.model.quantity import duration, percent
from diag.model.serving import BatchTable, CloseReason, Mode, Queue, RequestTable, Stage
from diag.model.weakly_referable import WeaklyReferable

_HTML_CAUSES = 3


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was recorded, and how much of it is left out.

    Attributes:
        requests: Rows of the request table; Unavailable where the tracer level hides requests.
        complete: Requests with all their parts; all statistics are over these.
        censored: Requests cut by an edge of the window: parts of them were recorded, not the whole.
        refused: Requests that failed before they joined a batch (BatchingSessionRun, or a call of
            BatchFunction, without ScheduleOutputTask). They are no rows of the request table.
        failed_in_batch: Requests that joined a batch which did not run. They are rows that are not
            complete.
        batches: Rows of the batch table.
        censored_batches: Batches with recorded enqueues but no whole ProcessBatch.
        ambiguous_links: Tasks with batch id 0, which several queues used.
        split_requests: Requests whose rows went into more than one batch.
        batch_rows_missing: Rows of recorded batches whose request was censored.
        events: Recorded events of all planes; those of lines that were derived from a GPU's streams
            do not count.
    """

    requests: int | Unavailable
    complete: int | Unavailable
    censored: int
    refused: int
    failed_in_batch: int
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
        known: False if no event bounds the stage in any request.
        share: Part of all request time of the model, 0 to 1.
        time: Of the stage in each request, ns.
        tail_ns: Why slow requests are slow: the mean over the requests around p99 (1 % of all)
            minus the mean over those around p50 (10 %). The stages' values add up to the model's.
    """

    stage: Stage
    known: bool
    share: float
    time: Distribution
    tail_ns: float | Unavailable


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """The ledger of one model over its complete requests.

    Attributes:
        modes: How its requests were run, e.g. batched by a session.
        requests: Number of complete ones.
        rate_per_second: Of complete requests.
        latency: Of the requests, ns.
        tail_ns: Mean latency around p99 minus mean latency around p50; needs 100 requests.
        tail_slow: Number of requests around p99 in that mean; about 1% of all.
        tail_middle: Number of requests around p50 in that mean; about 10% of all.
        stages: One entry for each Stage, in its order; the shares add up to 1.
    """

    model: str
    modes: tuple[Mode, ...]
    requests: int
    rate_per_second: float
    latency: Distribution
    tail_ns: float | Unavailable
    tail_slow: int
    tail_middle: int
    stages: tuple[StageSummary, ...]

    def _cells(self) -> tuple[str, ...]:
        """The row of a table for notebooks: name, number of requests, p50, p99 and mean."""
        times_ns = (self.latency.p50_ns, self.latency.p99_ns, self.latency.mean_ns)
        return (
            printable(self.model, NAME_MAX_CHARS),
            f"{self.requests:,}",
            *(duration(time_ns) for time_ns in times_ns),
        )


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The batches of one queue.

    Attributes:
        model: Of the queue, or its key where the model is not known.
        batches: Number of recorded ones.
        rows_mean: Mean rows of a batch, before padding.
        fill_ratio: Mean rows over max_batch_size, 0 to 1.
        padding_ratio: Padding rows over executed rows, 0 to 1.
        closed_by: Number of batches by reason.
        service: Durations of ProcessBatch, ns.
        line: The same durations over the executed rows: t(b), with as many batches at a time as in
            the recording.
    """

    queue: Queue
    model: str
    batches: int
    rows_mean: float
    fill_ratio: float | Unavailable
    padding_ratio: float | Unavailable
    closed_by: dict[CloseReason, int] = field(hash=False)
    service: Distribution
    line: Fit


@dataclass(frozen=True, slots=True)
class GapSummary:
    """Idle time of one timeline.

    Attributes:
        idle_ns: In the timeline's window.
        by_cause_ns: Every IdleCause; adds up to ``idle_ns``.
        starved_ns: Part with requests waiting for their input.
        no_demand_ns: Part without an open request.
        waiting_ns: Part with at least one open request.
        recoverable_ns_per_second: Starved time per second of the window.
    """

    timeline: Timeline
    idle_ns: int
    by_cause_ns: dict[IdleCause, int] = field(hash=False)
    starved_ns: int
    no_demand_ns: int
    waiting_ns: int
    recoverable_ns_per_second: float

    def _cells(self) -> tuple[str, ...]:
        """The row of a table for notebooks: name, idle share and its main causes."""
        largest = sorted(self.by_cause_ns.items(), key=lambda item: -item[1])[:_HTML_CAUSES]
        causes = (f"{cause.value} {percent(ns / self.idle_ns)}" for cause, ns in largest if ns > 0)
        return (
            printable(self.timeline.name, NAME_MAX_CHARS),
            percent(self.idle_ns / max(1, self.timeline.window.duration_ns)),
            ", ".join(causes),
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analysis(WeaklyReferable):
    """All that diag computes from one Capture. Numbers are not rounded.

    Times are in ns since the capture's origin unless their names say otherwise. Two analyses are
    equal only if they are the same object.

    Attributes:
        capture: What was analyzed.
        host: The host plane; ``gaps.evidence_row`` refers to its events.
        program: What kind of program was recorded; of one that is no server, only busy and idle
            time is analysed.
        tracer_level: Host tracer level of the recording, 0 to 3; 0 records nothing of the host.
        counts: How much was recorded, and how much of it is left out.
        failures: Requests that did not run, by how far they came.
        requests: One row for each request.
        batches: One row for each batch.
        timelines: Each GPU, or model execution on the CPU.
        gaps: Idle time of the timelines, one row for each piece with one cause.
        models: Ledger of each model, by name.
        queues: Each batch queue with recorded batches.
        idle: Idle time of each timeline by cause.
        ops: Op types on the host with most time.
        preprocess_loop: The loop with most preprocessing, if any.
        pool_waits: Waits for threads of the runtime's pools.
        blocking: Which model held what each model waited for; empty with one model.
        tails: The slow requests of each model, by name.
        caveats: What limits the meaning of the numbers, the most important first.
        devices: Every GPU plane, in plane order.
        device_costs: Device time of each model, by name.
        detours: Time of runs away from the device between its work; Unavailable without such work.
        kernel_spreads: The kernels whose durations in runs of one size differ most, by the time
            that this costs requests.
        kernels: The kernels with most time.
        device_ops: The ops with most device time.
        device_clock: How well the devices' clock matches the host's; Unavailable without device
            events.
        device_loss: Device events that the tracer lost.
        longest_gaps: Of each timeline, the longest first.
        agreements: Trace and samples compared, by GPU and source; empty without GPU samples.
        samples: Each source of samples, summarized over the window.
        sampled_devices: Each GPU of each source, summarized by itself.
        metrics: The server's counters between the two scrapes, by model.
        observer: Latency that the load generator measured around the capture.
        paths: Gives the whole way of single requests; Unavailable for an analysis that was not made
            from a capture.
        probe: Latency of the capture's own status calls.
        clients: What clients logged of their calls, next to the requests of the trace.
        loops: Iterations of a Python program, which are its requests; Unavailable for others.
    """

    capture: Capture
    host: Plane
    program: Program
    tracer_level: int | Unavailable
    counts: Counts
    failures: Failures
    requests: RequestTable
    batches: BatchTable
    timelines: tuple[Timeline, ...]
    gaps: GapTable
    models: tuple[ModelSummary, ...]
    queues: tuple[BatchSummary, ...]
    idle: tuple[GapSummary, ...]
    ops: tuple[OpTime, ...]
    preprocess_loop: PreprocessLoop | Unavailable
    pool_waits: tuple[PoolWait, ...]
    blocking: tuple[Blocking, ...]
    tails: tuple[ModelTail, ...]
    caveats: tuple[Caveat, ...]
    devices: tuple[DeviceSummary, ...]
    device_costs: tuple[ModelDeviceCost, ...]
    detours: Detours | Unavailable
    kernel_spreads: tuple[KernelSpread, ...]
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
    paths: RequestPaths | Unavailable
    probe: ProbeLatency | Unavailable
    clients: ClientView
    loops: Loops | Unavailable

    def __repr__(self) -> str:
        requests = self.counts.requests
        known = "no" if isinstance(requests, Unavailable) else f"{requests:,}"
        return (
            f"Analysis({self.capture.name!r}, {known} requests, {self.counts.batches:,} batches, "
            f"{len(self.devices)} GPUs)"
        )

    def _repr_html_(self) -> str:
        """Latency of each model, and idle time of each device with its main causes."""
        models = [model._cells() for model in self.models]
        idle = [gaps._cells() for gaps in self.idle]
        return "\n".join(
            (
                html_table(repr(self), ("model", "requests", "p50", "p99", "mean"), models),
                html_table("Idle time", ("device", "idle", "main causes"), idle),
            )
        )
