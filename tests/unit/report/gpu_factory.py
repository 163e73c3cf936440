"""A hand-built Analysis of a server with GPUs: small, whole, and as odd as a test asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diag.analysis.result import Analysis, GapSummary
from diag.model.agreement import (
    Agreement,
    AgreementKind,
    AgreementReason,
    Averaging,
    AveragingKind,
    OtherProcess,
)
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import (
    BatchSizeCost,
    DeviceClock,
    DeviceHardware,
    DeviceLoss,
    DeviceSummary,
    KernelTime,
    LargerBatches,
    ModelDeviceCost,
)
from diag.model.gaps import (
    CONFIDENCES,
    IDLE_CAUSES,
    Confidence,
    GapTable,
    IdleCause,
    LongGap,
    Timeline,
    WaitingRequest,
)
from diag.model.samples import SampledDevice, SamplerCost, SampleSeries
from diag.model.window import Window
from tests.unit.report.factory import MS, ORIGIN_UNIX_NS, TOO_SHORT, make_analysis, make_capture

WINDOW = Window(0, 100 * MS)
DEVICE = "/device:GPU:0"
TANH = (
    "void Eigen::internal::EigenMetaKernel<Eigen::TensorEvaluator<Eigen::TensorAssignOp<"
    "Eigen::TensorMap<Eigen::Tensor<float, 1, 1, int>, 16, Eigen::MakePointer>, "
    "Eigen::TensorCwiseUnaryOp<Eigen::internal::scalar_tanh_op<float> const> const> const, "
    "Eigen::GpuDevice>, int>(Eigen::TensorEvaluator<float>, int)"
)
FEW = Unavailable("3 samples, 10 needed")
NO_EVENTS = Unavailable("a refused tracer and an unused GPU look alike")
# Begin and end in ms, cause, confidence, runner-up, requests waiting, row of the host's event.
PIECES: tuple[tuple[int, int, IdleCause, Confidence, IdleCause | None, int, int], ...] = (
    (0, 5, IdleCause.QUEUE_EXECUTOR, Confidence.HIGH, None, 1, -1),
    (5, 22, IdleCause.PREPROCESS, Confidence.HIGH, IdleCause.QUEUE_FILL, 1, 0),
    (45, 49, IdleCause.LAUNCH, Confidence.MEDIUM, IdleCause.ALLOCATOR, 1, 0),
    (60, 62, IdleCause.LAUNCH, Confidence.LOW, None, 1, 0),
    (62, 66, IdleCause.PREPROCESS, Confidence.MEDIUM, None, 1, 0),
    (66, 100, IdleCause.NO_DEMAND, Confidence.HIGH, None, 0, -1),
)


def make_device(name: str = DEVICE) -> DeviceSummary:
    return DeviceSummary(
        name=name,
        model="NVIDIA H200",
        hardware=DeviceHardware("Nvidia", "9.0", 132, 141 * 2**30, NO_EVENTS, 1_980_000_000),
        window=WINDOW,
        busy_ns=34 * MS,
        kernel_ns=24 * MS,
        copy_ns=9 * MS,
        memset_ns=MS,
        idle_ns=66 * MS,
        starved_ns=26 * MS,
        no_demand_ns=34 * MS,
        kernels=1200,
        copies=2,
        memsets=1,
        unlinked=3,
        bytes_in=3 * 2**20,
        bytes_out=4096,
        overhead_ns=2 * MS,
    )


def make_silent_device(name: str = DEVICE) -> DeviceSummary:
    """As where no GPU plane has an event."""
    return DeviceSummary(
        name,
        NO_EVENTS,
        DeviceHardware(*[NO_EVENTS] * 6),
        WINDOW,
        *[NO_EVENTS] * 7,
        0,
        0,
        0,
        0,
        *[NO_EVENTS] * 3,
    )


def make_timeline(name: str = DEVICE) -> Timeline:
    return Timeline(name, True, WINDOW, 34 * MS)


def make_idle(timeline: Timeline) -> GapSummary:
    by_cause = dict.fromkeys(IDLE_CAUSES, 0)
    for start, end, cause, *_ in PIECES:
        by_cause[cause] += (end - start) * MS
    return GapSummary(timeline, 66 * MS, by_cause, 26 * MS, 34 * MS, 32 * MS, 260.0 * MS)


def make_device_gaps(devices: int = 1) -> GapTable:
    columns = list(zip(*PIECES, strict=True))
    n = len(PIECES)

    def repeated(values: list[int], kind: type[np.integer]) -> np.ndarray:
        return np.tile(np.array(values, kind), devices)

    return GapTable(
        timeline_index=np.repeat(np.arange(devices, dtype=np.int32), n),
        start_ns=repeated([start * MS for start in columns[0]], np.int64),
        end_ns=repeated([end * MS for end in columns[1]], np.int64),
        cause_index=repeated([cause.index for cause in columns[2]], np.int32),
        waiting_requests=repeated(list(columns[5]), np.int64),
        confidence_index=repeated([CONFIDENCES.index(level) for level in columns[3]], np.int32),
        runner_up_index=repeated([-1 if c is None else c.index for c in columns[4]], np.int32),
        evidence_row=repeated(list(columns[6]), np.int64),
    )


def make_long_gaps(timeline_index: int = 0, thread: str = "tf_Compute") -> tuple[LongGap, ...]:
    return (
        LongGap(timeline_index, 66 * MS, 100 * MS, ((IdleCause.NO_DEMAND, 34 * MS),), (), 0),
        LongGap(
            timeline_index,
            0,
            22 * MS,
            ((IdleCause.QUEUE_EXECUTOR, 5 * MS), (IdleCause.PREPROCESS, 17 * MS)),
            (
                WaitingRequest(0, "preprocess", 5 * MS, thread),
                WaitingRequest(-1, "open", 0, ""),
            ),
            12,
        ),
        LongGap(
            timeline_index,
            60 * MS,
            66 * MS,
            ((IdleCause.LAUNCH, MS), (IdleCause.PREPROCESS, 4 * MS), (IdleCause.LAUNCH, MS)),
            (WaitingRequest(1, "launch", 60 * MS, thread),),
            1,
        ),
    )


def make_cost(model: str = "convnet") -> ModelDeviceCost:
    return ModelDeviceCost(
        model=model,
        curve=(
            BatchSizeCost(-1, 3, 0.5 * MS, FEW, FEW, FEW),
            BatchSizeCost(4, 30, 2.0 * MS, 1_900_000, 2_000_000, 2_100_000),
            BatchSizeCost(8, 12, 3.0 * MS, FEW, 3_000_000, FEW),
        ),
        fixed_ns=1.0 * MS,
        per_row_ns=0.25 * MS,
        larger_batches=LargerBatches.SAVE_SOME,
        requests=90,
        device_ns_per_request=0.8 * MS,
        kernels_per_request=13.5,
        bytes_in_per_request=602_112.0,
        bytes_out_per_request=Unavailable("no copy tells its size"),
        in_gb_per_s=11.5,
        out_gb_per_s=Unavailable("no copy tells its size"),
        padding_ns=6.0 * MS,
        padding_is_bound=True,
        launch_bound_score=0.125,
    )


REASONS = {
    AgreementKind.AGREE: AgreementReason.WITHIN_TOLERANCE,
    AgreementKind.OTHER_PROCESS: AgreementReason.OTHERS_WORK_TOO,
    AgreementKind.PLANE_MISSING: AgreementReason.NOT_TRACED,
    AgreementKind.TOO_COARSE: AgreementReason.NO_SAMPLE_IN_WINDOW,
}
REMEDIES = {
    AgreementKind.OTHER_PROCESS: "dedicate-gpu",
    AgreementKind.PLANE_MISSING: "allow-gpu-tracing",
}


def make_agreement(
    device: str = DEVICE, kind: AgreementKind = AgreementKind.OTHER_PROCESS
) -> Agreement:
    other = OtherProcess(4711, "python3", 0.5, 2**30)
    return Agreement(
        device=device,
        source="nvml",
        kind=kind,
        reason=REASONS[kind],
        traced_ratio=0.34,
        sampled_ratio=0.75,
        tolerance_ratio=0.1,
        doubt_ratio=0.05,
        overlap_ns=96 * MS,
        resolution_ns=16 * MS,
        averaging=Averaging(AveragingKind.DRIVER_SAMPLES, 16 * MS, 16 * MS, 167 * MS),
        clock_error_ns=200_000,
        others=(other,),
        involved=(other,),
        remedy=REMEDIES.get(kind, ""),
    )


def make_gpu_capture(name: str = "NVIDIA H200") -> Capture:
    """Two GPUs of which the second gives no utilization, and an agent's clock."""
    gpu = SampleSeries(
        source="gpu",
        period_ns=50 * MS,
        units={
            "utilization_percent": "%",
            "power_mw": "mW",
            "throttle_reasons": "bit mask",
            "processes": "",
        },
        samples=(
            {
                "unix_ns": ORIGIN_UNIX_NS,
                "utilization_percent": [70, None],
                "power_mw": [300_000, 90_000],
                "throttle_reasons": [0x4, 0x1],
                "processes": [[{"pid": 4711, "memory_bytes": 2**30, "sm_percent": 50}], []],
            },
            {
                "unix_ns": ORIGIN_UNIX_NS + 50 * MS,
                "utilization_percent": [80, None],
                "throttle_reasons": [0x24, 0x1],
            },
        ),
        missing={
            "1:utilization_percent": "not available in MIG mode",
            "0:gpm_sm_percent": "not supported",
            "1:gpm_sm_percent": "not supported",
        },
        devices=(SampledDevice(name, "GPU-0123"), SampledDevice(name, "", is_mig=True)),
        taken_by="gpu-7:9500",
        cost=SamplerCost(readings=2, cpu_ns=MS, elapsed_ns=200 * MS),
    )
    return replace(make_capture("capture.zip"), gpu_samples=gpu)


def make_gpu_analysis(name: str = "convnet", devices: int = 1) -> Analysis:
    """With ``name`` wherever a server or a file chooses one."""
    planes = [DEVICE if name == "convnet" else name] * devices
    if devices > 1:
        planes = [f"/device:GPU:{i}" for i in range(devices)]
    timelines = tuple(make_timeline(plane) for plane in planes)
    gaps = make_device_gaps(devices)
    base = make_analysis(name, make_gpu_capture() if name == "convnet" else make_gpu_capture(name))
    thread = "tf_Compute" if name == "convnet" else name
    return replace(
        base,
        timelines=timelines,
        gaps=gaps,
        idle=tuple(make_idle(timeline) for timeline in timelines),
        devices=tuple(make_device(plane) for plane in planes),
        device_costs=(make_cost(name),),
        kernels=(
            KernelTime(TANH if name == "convnet" else name, "m:Tanh", 1, 900, 14 * MS),
            KernelTime("gemm", FEW, 0, 300, 10 * MS),
        ),
        device_ops=(KernelTime(f"{name}:Tanh", Unavailable("is one"), 1, 900, 14 * MS),),
        device_clock=DeviceClock(linked=1200, early=12, error_ns=15_000),
        device_loss=DeviceLoss(7, ("out of buffers",), (), 0.02),
        longest_gaps=tuple(g for i in range(devices) for g in make_long_gaps(i, thread)),
        agreements=tuple(make_agreement(plane) for plane in planes),
        caveats=(TOO_SHORT,),
    )
