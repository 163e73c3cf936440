"""Whether the trace of a GPU and its sampled utilization agree, and what the samples say."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from diag.model.availability import Unavailable
from diag.model.device import CuptiAccess


class AgreementKind(enum.Enum):
    """The outcome of a comparison of a trace's busy time with a sampled utilization."""

    AGREE = "agree"
    OTHER_PROCESS = "other-process"
    PLANE_MISSING = "plane-missing"
    TRACE_TRUNCATED = "trace-truncated"
    TOO_COARSE = "too-coarse"
    DISAGREE = "disagree"


class AgreementReason(enum.Enum):
    """Why a comparison has its outcome."""

    # AGREE
    WITHIN_TOLERANCE = "within-tolerance"
    SHORT_GAPS = "short-gaps"  # agree if gaps too short for a sampler count as busy
    SM_ACTIVITY = "sm-activity"  # at most the kernels' time; a kernel may use few multiprocessors
    GPU_IDLE = "gpu-idle"  # not in the trace, and idle by its samples
    # OTHER_PROCESS
    OTHERS_WORK_TOO = "others-work-too"
    ONLY_OTHERS_WORK = "only-others-work"  # not in the trace; the server did no sampled work
    # PLANE_MISSING
    NOT_REQUESTED = "not-requested"  # the capture left GPUs out of the trace
    NOT_TRACED = "not-traced"
    NOT_TRACED_UNKNOWN_PROCESS = "not-traced-unknown-process"  # the work may be another process's
    # TRACE_TRUNCATED
    EVENTS_DROPPED = "events-dropped"
    ENDS_EARLY = "ends-early"  # the device's last event is long before its samples become idle
    # TOO_COARSE
    CLOCKS_TOO_LOOSE = "clocks-too-loose"  # the spans of samples are not known well enough
    CLOCK_NOT_RELATED = "clock-not-related"
    NOT_PAIRED = "not-paired"  # which sampled GPU is which GPU plane is not known
    NOT_SAMPLED = "not-sampled"  # no utilization of this GPU
    NO_SAMPLE_IN_WINDOW = "no-sample-in-window"
    # DISAGREE
    TRACE_ABOVE_SAMPLES = "trace-above-samples"
    PROCESSES_UNKNOWN = "processes-unknown"  # samples above trace, as in those below
    OTHERS_TOO_SMALL = "others-too-small"
    OTHERS_IDLE = "others-idle"
    NO_OTHERS = "no-others"
    SERVER_UNKNOWN = "server-unknown"  # which process is the server
    SHARES_UNKNOWN = "shares-unknown"  # the driver reports no utilization of processes


class AveragingKind(enum.Enum):
    """What one sample of a GPU's utilization is an average over."""

    DRIVER_SAMPLES = "driver-samples"  # time between the driver's own timestamped samples
    DRIVER_PERIOD = "driver-period"  # the driver's last period, whose length is not reported
    SM_ACTIVITY = "sm-activity"  # SM activity between two readings
    EXPORTER_INTERVAL = "exporter-interval"  # the exporter's collection interval
    EXPORTER_PERIOD = "exporter-period"  # the driver's last period before each collection


@dataclass(frozen=True, slots=True)
class Averaging:
    """What one sample averages over.

    Attributes:
        kind: How that is known.
        period_ns: Distance of two samples.
        span_min_ns: Least time that one sample averages over.
        span_max_ns: Greatest time.
    """

    kind: AveragingKind
    period_ns: int
    span_min_ns: int
    span_max_ns: int


@dataclass(frozen=True, slots=True)
class OtherProcess:
    """A process on the GPU.

    Attributes:
        share: Its sampled SM utilization, 0 to 1.
    """

    pid: int
    name: str | Unavailable
    share: float | Unavailable
    memory_bytes: int | Unavailable


@dataclass(frozen=True, slots=True)
class SampledUtilization:
    """Mean utilization of one GPU by one source.

    Attributes:
        source: ``nvml``, ``agent`` or ``dcgm``.
        device: The sampler's name of the GPU.
        busy_ratio: 0 to 1.
        is_of_window: Whether it is over the window; if not, over all samples, since their clock is
            not related to the trace's.
    """

    source: str
    device: str
    busy_ratio: float
    is_of_window: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """One GPU and one source of samples, compared over the time that trace and samples cover.

    Attributes:
        device: Plane name, or the sampler's name of the GPU where there is no plane.
        source: ``nvml``, ``agent`` (NVML on the server's machine) or ``dcgm``.
        kind: The outcome.
        reason: Why.
        traced_ratio: Busy share by the trace over the overlap, 0 to 1. Where nothing could be
            compared, this and the other ratios say why.
        sampled_ratio: By the samples, each weighted by the time it represents.
        tolerance_ratio: Up to this difference they agree: from the samples' resolution and clocks.
        doubt_ratio: Width of the range that the traced share may have, given the clocks.
        overlap_ns: Time that both cover.
        resolution_ns: The time that one sample averages over.
        averaging: The same in detail.
        clock_error_ns: Bound on the difference of the clocks; Unavailable if they are not related.
        others: Other processes seen on the GPU.
        involved: Processes that the reason is about; not always known to be others.
        dropped_events: Device events that the tracer reported as lost.
        tracer_error: The first error of the GPU tracer; "" if there is none.
        cupti_access: What the tracer's errors say about its access to CUPTI.
        remedy: Code of what helps, e.g. ``capture-shorter``; "" if nothing does.
    """

    device: str
    source: str
    kind: AgreementKind
    reason: AgreementReason
    traced_ratio: float | Unavailable
    sampled_ratio: float | Unavailable
    tolerance_ratio: float | Unavailable
    doubt_ratio: float | Unavailable
    overlap_ns: int
    resolution_ns: int | Unavailable
    averaging: Averaging | Unavailable
    clock_error_ns: int | Unavailable
    others: tuple[OtherProcess, ...] = ()
    involved: tuple[OtherProcess, ...] = ()
    dropped_events: int = 0
    tracer_error: str = ""
    cupti_access: CuptiAccess = CuptiAccess.UNKNOWN
    remedy: str = ""
