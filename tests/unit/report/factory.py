"""Hand-built Analyses: small, whole, and with names a hostile server could choose."""

from dataclasses import replace

import numpy as np

from diag.analysis.clients.client_times import ClientView
from diag.analysis.execution.op_times import OpTime
from diag.analysis.fit import fit
from diag.analysis.intervals.sets import EMPTY
from diag.analysis.result import (
    Analysis,
    BatchSummary,
    Counts,
    Distribution,
    GapSummary,
    ModelSummary,
    PoolWait,
    StageSummary,
)
from diag.analysis.samples.metrics import model_metrics
from diag.analysis.samples.observer import observer_figures
from diag.analysis.samples.sources import summarize_sources
from diag.analysis.summary import describe
from diag.analysis.tail import find_tails
from diag.model.availability import Unavailable
from diag.model.capture import NO_CLIENT_LOG, Capture
from diag.model.caveat import Caveat, Limit
from diag.model.device import DeviceLoss
from diag.model.events import EventTable, Line, Plane
from diag.model.failures import Failures
from diag.model.finding import (
    Check,
    CounterEvidence,
    Evidence,
    Finding,
    Gain,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Setting,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import IDLE_CAUSES, Confidence, GapTable, IdleCause, Timeline
from diag.model.program import Program, ProgramKind
from diag.model.samples import MetricSample, MetricsPair, SampleSeries, ServedModel, ServerInfo
from diag.model.serving import (
    STAGES,
    BatchTable,
    CloseReason,
    Mode,
    Origin,
    Parameter,
    Queue,
    RequestTable,
    Stage,
)
from diag.model.window import Window
from diag.report.build import build_report
from diag.report.model import Report

ORIGIN_UNIX_NS = 1_700_000_000_000_000_123
MS = 1_000_000
BIG_BATCH_ID = 2**63 + 5
STAGES_NS = {Stage.QUEUE_FILL: 8 * MS, Stage.SCHEDULE: MS, Stage.COMPUTE: 3 * MS}
NO_DEVICE = Unavailable("no device event was recorded")
NO_P99 = Unavailable("p99 needs 100 requests; there are 3")


TOO_SHORT = Caveat(
    "window-too-short",
    (Limit.REQUESTS,),
    (
        ("model", "convnet"),
        ("statistic", "p99"),
        ("latency_ns", 30 * MS),
        ("window_ns", 100 * MS),
        ("needed_window_ns", 150 * MS),
    ),
    "capture-longer",
)


def make_capture(name: str = "server.xplane.pb") -> Capture:
    absent = Unavailable("the source is no bundle")
    return Capture(
        name=name,
        origin_unix_ns=ORIGIN_UNIX_NS,
        window=Window(0, 100 * MS),
        tracer_level=absent,
        planes=(),
        host_samples=absent,
        gpu_samples=absent,
        dcgm_samples=absent,
        probe_samples=absent,
        stacks=absent,
        metrics=absent,
        server=absent,
        batching_parameters=absent,
        clocks=(),
        manifest=absent,
        trace_errors=(),
        trace_warnings=(),
        caveats=(),
    )


def make_rich_capture(name: str = "capture.zip") -> Capture:
    """As a bundle gives it: samples, metrics, model status and the observer effect."""
    host = SampleSeries(
        source="host",
        period_ns=50 * MS,
        units={"cpu_percent": "%", "memory_bytes": "bytes", "load": ""},
        samples=(
            {"unix_ns": ORIGIN_UNIX_NS, "cpu_percent": [50.0, 100.0], "memory_bytes": 2**30},
            {"unix_ns": ORIGIN_UNIX_NS + 1, "cpu_percent": [10.0, 20.0], "memory_bytes": 2**31},
        ),
        missing={"load": "not readable"},
    )
    latency, runtime = ":tensorflow:serving:request_latency", ":tensorflow:serving:runtime_latency"
    model = ("model_name", "convnet")
    before = (MetricSample(f"{latency}_sum", (model,), 1000.0),)
    after = (
        MetricSample(f"{latency}_sum", (model,), 31_000.0),
        MetricSample(f"{latency}_count", (model,), 2.0),
        MetricSample(f"{runtime}_sum", (model,), 24_000.0),
        MetricSample(f"{runtime}_count", (model,), 2.0),
        MetricSample(":tensorflow:serving:request_count", (model, ("status", "OK")), 2.0),
    )
    return replace(
        make_capture(name),
        host_samples=host,
        gpu_samples=Unavailable("no NVIDIA driver on this host"),
        metrics=MetricsPair(before, after),
        server=ServerInfo((ServedModel("convnet", 1, "AVAILABLE"),), absent_signatures(), NO_P99),
        manifest={
            "target": {"server": f"{name}:8500" if name == "capture.zip" else name},
            "observer": {
                "before": {"calls": 90, "p50_ms": 4.0, "p99_ms": None},
                "during": {"p50_ms": 4.5},
            },
        },
    )


def absent_signatures() -> Unavailable:
    return Unavailable("not asked for")


def make_requests(model: str = "convnet", n: int = 3, link: str = "batch-id") -> RequestTable:
    """``n`` requests of 12 ms, 20 ms apart; the second is incomplete, the last has no batch."""
    start_ns = np.arange(n, dtype=np.int64) * 20 * MS
    stage_ns = np.zeros((n, len(STAGES)), np.int64)
    for stage, ns in STAGES_NS.items():
        stage_ns[:, stage.index] = ns
    stage_known = np.ones((n, len(STAGES)), np.bool_)
    stage_known[:, Stage.PREPROCESS.index] = False
    complete = np.ones(n, np.bool_)
    complete[1] = False
    offsets = np.minimum(np.arange(n + 1, dtype=np.int64) * 2, 2 * n - 2)
    return RequestTable(
        start_ns=start_ns,
        end_ns=start_ns + 12 * MS,
        rows=np.array([1, -1, 3] * n, np.int64)[:n],
        model_index=np.zeros(n, np.int32),
        mode_index=np.full(n, 1, np.int32),
        complete=complete,
        linked_by_index=np.zeros(n, np.int32),
        batch_offsets=offsets,
        batch_index=np.arange(2 * n - 2, dtype=np.int32) % 2,
        stage_ns=stage_ns,
        stage_known=stage_known,
        models=(model,),
        links=(link,),
    )


def make_batches(key: str = "4f3a0001") -> BatchTable:
    def column(*values: int) -> np.ndarray:
        return np.array(values, np.int64)

    queue = Queue(
        key=key,
        model_index=0,
        max_batch_size=Parameter(32, Origin.FILE),
        batch_timeout_ns=Parameter(10 * MS, Origin.ESTIMATED),
        num_batch_threads=Unavailable("no batch ran"),
    )
    return BatchTable(
        id=np.array([BIG_BATCH_ID, 0], np.uint64),
        queue_index=np.zeros(2, np.int32),
        model_index=np.zeros(2, np.int32),
        start_ns=column(9 * MS, 29 * MS),
        end_ns=column(12 * MS, 32 * MS),
        run_start_ns=column(9 * MS + 1, -1),
        run_end_ns=column(12 * MS - 1, -1),
        rows=column(2, 3),
        padded_rows=column(4, -1),
        tasks=column(2, 1),
        first_enqueue_ns=column(MS, -1),
        preprocess_ns=column(0, -1),
        ready_ns=column(9 * MS, -1),
        close_reason_index=np.array([1, 3], np.int32),
        is_failed=np.zeros(2, np.bool_),
        queues=(queue,),
    )


def make_gaps() -> GapTable:
    causes = (IdleCause.QUEUE_FILL, IdleCause.NO_DEMAND, IdleCause.QUEUE_FILL)
    return GapTable(
        timeline_index=np.zeros(3, np.int32),
        start_ns=np.array([0, 20 * MS, 80 * MS], np.int64),
        end_ns=np.array([10 * MS, 70 * MS, 100 * MS], np.int64),
        cause_index=np.array([IDLE_CAUSES.index(cause) for cause in causes], np.int32),
        waiting_requests=np.array([2, 0, 1], np.int64),
        confidence_index=np.array([0, 0, 2], np.int32),
        runner_up_index=np.array([-1, -1, IdleCause.NO_DEMAND.index], np.int32),
        evidence_row=np.full(3, -1, np.int64),
    )


def make_host() -> Plane:
    """One event, by which a gap's cause may be shown."""
    events = EventTable(
        start_ns=np.array([MS], np.int64),
        end_ns=np.array([9 * MS], np.int64),
        name_id=np.zeros(1, np.int32),
        line_index=np.zeros(1, np.int32),
        names=("Schedule",),
        stats={},
    )
    return Plane(0, "/host:CPU", (Line(1, "grpc-1", 0),), events, {})


def flat(ns: int, n: int = 3) -> Distribution:
    return Distribution(n, float(ns), ns, NO_P99, NO_P99)


def make_model(model: str = "convnet") -> ModelSummary:
    total_ns = sum(STAGES_NS.values())
    stages = tuple(
        StageSummary(
            stage=stage,
            known=stage is not Stage.PREPROCESS,
            share=STAGES_NS.get(stage, 0) / total_ns,
            time=flat(STAGES_NS.get(stage, 0)),
            tail_ns=-0.5 * MS if stage is Stage.COMPUTE else 0.0,
        )
        for stage in STAGES
    )
    return ModelSummary(
        model=model,
        modes=(Mode.BATCHING_SESSION,),
        requests=3,
        rate_per_second=30.0,
        latency=flat(total_ns),
        tail_ns=-0.5 * MS,
        tail_slow=1,
        tail_middle=3,
        stages=stages,
    )


def make_analysis(
    model: str = "convnet", capture: Capture | None = None, queue_key: str = "4f3a0001"
) -> Analysis:
    capture = make_capture() if capture is None else capture
    batches = make_batches(queue_key)
    timeline = Timeline("cpu-execution", False, capture.window, 20 * MS)
    by_cause = dict.fromkeys(IDLE_CAUSES, 0)
    by_cause[IdleCause.QUEUE_FILL] = 30 * MS
    by_cause[IdleCause.NO_DEMAND] = 50 * MS
    samples, sampled_devices = summarize_sources(capture)
    return Analysis(
        capture=capture,
        host=make_host(),
        program=Program(ProgramKind.SERVING),
        tracer_level=2,
        counts=Counts(
            requests=3,
            complete=2,
            censored=1,
            refused=4,
            failed_in_batch=0,
            batches=2,
            censored_batches=1,
            ambiguous_links=0,
            split_requests=0,
            batch_rows_missing=0,
            events=12_345,
        ),
        failures=Failures(
            unscheduled=0,
            early=0,
            uncalled_start_ns=np.empty(0, np.int64),
            uncalled_end_ns=np.empty(0, np.int64),
            refused_rows=np.full(4, 1),
            refused_start_ns=np.arange(4),
            refused_end_ns=np.arange(4) + MS,
            refused_while_waiting=np.ones(4, np.bool_),
            accepted_rows=8,
            unmerged=0,
            expired=0,
        ),
        requests=make_requests(model),
        batches=batches,
        timelines=(timeline,),
        gaps=make_gaps(),
        models=(make_model(model),),
        queues=(
            BatchSummary(
                queue=batches.queues[0],
                model=model,
                batches=2,
                rows_mean=2.5,
                fill_ratio=2.5 / 32,
                padding_ratio=0.5,
                closed_by={CloseReason.TIMEOUT: 1, CloseReason.UNKNOWN: 1, CloseReason.SIZE: 0},
                service=flat(3 * MS, 2),
                line=fit(batches.executed_rows, batches.end_ns - batches.start_ns),
            ),
        ),
        idle=(GapSummary(timeline, 80 * MS, by_cause, 30 * MS, 50 * MS, 30 * MS, 3e8),),
        pool_waits=(PoolWait("tf_Compute", describe(np.arange(1, 131) * 10_000)),),
        blocking=(),
        ops=(OpTime("DecodeJpeg", True, 30, 40 * MS), OpTime("MatMul", False, 60, 9 * MS)),
        caveats=(TOO_SHORT,),
        devices=(),
        device_costs=(),
        detours=Unavailable("no GPU"),
        preprocess_loop=Unavailable("no loop"),
        kernel_spreads=(),
        kernels=(),
        device_ops=(),
        device_clock=NO_DEVICE,
        device_loss=DeviceLoss(0, (), (), NO_DEVICE),
        longest_gaps=(),
        agreements=(),
        samples=samples,
        sampled_devices=sampled_devices,
        metrics=model_metrics(capture),
        observer=observer_figures(capture),
        paths=Unavailable("built by hand"),
        probe=capture.probe_samples,
        clients=ClientView(NO_CLIENT_LOG, NO_CLIENT_LOG),
        loops=Unavailable("this program is no Python loop around a model"),
        tails=find_tails(
            make_requests(model), batches, make_gaps(), EMPTY, capture.window.duration_ns
        ),
    )


def make_finding(name: str = "convnet") -> Finding:
    """With ``name`` wherever a server or a file chooses text."""
    return Finding(
        id="batch-timeout-dominates",
        cause="queue-fill",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        confidence_reason=f"3 requests of {name}",
        what=f"Requests of {name} wait 66.7% of their time for a batch to fill.",
        evidence=(Evidence(f"queue-fill share of {name}", 2 / 3, "ratio", Source("ledger", name)),),
        counter_evidence=(
            CounterEvidence("full batches", False, f"0 of 2 in {name}"),
            CounterEvidence("busy cores", Unavailable("no host samples")),
        ),
        remedies=(
            Remedy(
                RemedyKind.PARAMETER,
                RemedyPlace.BATCHING_PARAMETERS_FILE,
                f"Lower batch_timeout_micros 10000 → 2000 for {name}.",
                Setting("batch_timeout_micros", 10_000, 2000, origin="estimated", scope=name),
                "Batches get smaller.",
            ),
            Remedy(RemedyKind.CLIENT, RemedyPlace.CLIENT_CODE, f"Send more rows to {name}."),
        ),
        gain=Gain("latency.mean", "ns", 12.0 * MS, 4.5 * MS, 6.0 * MS, "Waits cut to 2 ms."),
        verify=(
            Check("stage.queue-fill.p50", "ns", 8.0 * MS, high=2.5 * MS),
            Check("device.busy", "ratio", Unavailable("no device"), low=0.4, high=0.9),
        ),
        rollback="Set batch_timeout_micros back to 10000.",
        tier=Tier.REQUEST_TIME,
        at_stake_ns=8.0 * MS,
    )


def make_report(analysis: Analysis | None = None, *, name: str = "convnet", n: int = 2) -> Report:
    """With ``n`` findings."""
    analysis = make_analysis() if analysis is None else analysis
    first = make_finding(name)
    others = [replace(first, id=f"other-{i}", what=f"{name} has problem {i}.") for i in range(1, n)]
    return build_report(analysis, (first, *others))
