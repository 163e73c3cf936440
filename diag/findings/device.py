"""What a GPU adds to the verdict: which part of the model's time is not its kernels."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.result import Analysis, GapSummary
from diag.findings import thresholds
from diag.findings.shares import Shares, window_ratio
from diag.findings.verdict import Evidence
from diag.model.availability import Unavailable
from diag.model.device import Agreement, AgreementKind, ModelDeviceCost, OtherProcess
from diag.model.gaps import CONFIDENCES, Confidence, IdleCause
from diag.model.serving import Stage

DEVICE_WAIT = Stage.DEVICE_WAIT.value
OTHER_PROCESS = AgreementKind.OTHER_PROCESS.value
NOT_TRACED = "gpu-not-traced"
_DOUBTS = (AgreementKind.DISAGREE, AgreementKind.TRACE_TRUNCATED)

_PARTS = (
    (IdleCause.LAUNCH.value, (Stage.LAUNCH,), "waiting for the host to launch kernels"),
    (
        IdleCause.TRANSFER.value,
        (Stage.TRANSFER_IN, Stage.TRANSFER_OUT),
        "copying between host and GPU",
    ),
    (
        DEVICE_WAIT,
        (Stage.DEVICE_WAIT,),
        "with kernels launched that wait behind those of other runs",
    ),
)
_LOW = CONFIDENCES.index(Confidence.LOW)
# Idle time that is neither starvation nor lack of demand, nor for want of evidence.
_NAMELESS = frozenset({IdleCause.NO_DEMAND, IdleCause.UNEXPLAINED, IdleCause.TRACE_EDGE})


def slow_part(shares: Shares) -> tuple[str, float, str] | None:
    """The part of the model's time beside its kernels that takes longest: cause, share, words.

    None where no such part takes ``STAGE_MIN_SHARE`` of request time.
    """
    parts = [
        (cause, sum(shares.by_stage[stage] for stage in stages), words)
        for cause, stages, words in _PARTS
    ]
    largest = max(parts, key=lambda part: part[1])
    return largest if largest[1] >= thresholds.STAGE_MIN_SHARE else None


# What stops requests whatever stage they are in, on any host and where there is a GPU.
_MACHINE = frozenset({IdleCause.THROTTLED, IdleCause.COLD_START, IdleCause.MODEL_LOAD})
_MACHINE_WITH_GPU = _MACHINE | {IdleCause.ALLOCATOR, IdleCause.TRANSFER, IdleCause.PROFILER}


def machine_cause(analysis: Analysis, gaps: GapSummary) -> IdleCause | None:
    """The largest cause of idle time, if it is one that stops the machine and is no guess.

    None where it takes less than ``MACHINE_MIN_RATIO`` of the window with requests waiting.
    """
    named = {cause: ns for cause, ns in gaps.by_cause_ns.items() if cause not in _NAMELESS}
    worst = max(named, key=lambda cause: named[cause], default=None)
    if worst not in (_MACHINE_WITH_GPU if gaps.timeline.is_device else _MACHINE):
        return None
    table = analysis.gaps
    mine = table.timeline_index == analysis.timelines.index(gaps.timeline)
    mine &= (table.cause_index == worst.index) & (table.confidence_index != _LOW)
    mine &= table.waiting_requests > 0
    sure_ns = int((table.end_ns - table.start_ns)[mine].sum())
    return worst if window_ratio(gaps, sure_ns) >= thresholds.MACHINE_MIN_RATIO else None


def untraced(analysis: Analysis) -> Agreement | None:
    """The cross-check of a GPU at work of which the trace holds nothing; None if there is none."""
    if any(timeline.is_device for timeline in analysis.timelines):
        return None
    missing = [a for a in analysis.agreements if a.kind is AgreementKind.PLANE_MISSING]
    return max(missing, key=_taken, default=None)


def intruder(analysis: Analysis) -> Agreement | None:
    """The cross-check of the device that another process keeps most busy.

    None where none found one that takes ``OTHER_PROCESS_MIN_RATIO`` of the time.
    """
    found = [
        (_taken(agreement), agreement)
        for agreement in analysis.agreements
        if agreement.kind is AgreementKind.OTHER_PROCESS
    ]
    taken, agreement = max(found, key=lambda item: item[0], default=(0.0, None))
    return agreement if taken >= thresholds.OTHER_PROCESS_MIN_RATIO else None


def describe_intruder(agreement: Agreement) -> str:
    """Who uses the device too, and how busy it was by samples and by the trace."""
    other = max(agreement.others, key=_share_of, default=None)
    who = "another process" if other is None else f"process {other.pid}"
    if other is not None and not isinstance(other.name, Unavailable):
        who += f" ({other.name})"
    return f"{who} uses too: {_busy(agreement)}"


def _taken(agreement: Agreement) -> float:
    """Sampled utilization that the trace's own kernels do not account for, 0 to 1."""
    if isinstance(agreement.sampled_ratio, Unavailable):
        return 0.0
    traced = agreement.traced_ratio
    return agreement.sampled_ratio - (0.0 if isinstance(traced, Unavailable) else traced)


def _share_of(other: OtherProcess) -> float:
    return 0.0 if isinstance(other.share, Unavailable) else other.share


def holding_cause(gaps: GapSummary) -> IdleCause | None:
    """The cause that keeps a GPU idle although nothing starves it; None where none is large."""
    if not gaps.timeline.is_device:
        return None
    named = {
        cause: ns
        for cause, ns in gaps.by_cause_ns.items()
        if cause not in _NAMELESS and not cause.is_starvation
    }
    worst = max(named, key=lambda cause: named[cause], default=None)
    if worst is None or window_ratio(gaps, named[worst]) < thresholds.STARVED_MIN_RATIO:
        return None
    return worst


def is_doubted(analysis: Analysis) -> bool:
    """Whether device times are known to be short, or samples contradict them."""
    return analysis.device_loss.dropped > 0 or any(a.kind in _DOUBTS for a in analysis.agreements)


def describe_doubts(analysis: Analysis) -> str:
    """What speaks against the device times, in a sentence; "" if nothing does."""
    for agreement in analysis.agreements:
        if agreement.kind is AgreementKind.DISAGREE:
            return f"{agreement.device} is not so sure: {_busy(agreement)}."
    if is_doubted(analysis):
        return "The trace lost device events, so that times on the GPU are lower bounds."
    return ""


def _busy(agreement: Agreement) -> str:
    busy = (
        f"{ratio:.0%} {by}"
        for ratio, by in (
            (agreement.sampled_ratio, "by its samples"),
            (agreement.traced_ratio, "by this server's kernels"),
        )
        if not isinstance(ratio, Unavailable)
    )
    return f"busy {' and '.join(busy)}"


def costliest(analysis: Analysis) -> ModelDeviceCost | None:
    """The model that takes most device time, or None without device work."""
    return max(
        analysis.device_costs,
        key=lambda cost: cost.device_ns_per_request * cost.requests,
        default=None,
    )


def device_evidence(analysis: Analysis, cause: str) -> Iterator[Evidence]:
    """Numbers of the device that bear on the cause."""
    cost = costliest(analysis)
    if cost is not None and cause in (IdleCause.LAUNCH.value, IdleCause.TRANSFER.value):
        ref = f"device cost of {cost.model}"
        yield Evidence("kernels a request", cost.kernels_per_request, "kernels", ref)
        for label, value, unit in (
            ("launch-bound score", cost.launch_bound_score, "ratio"),
            ("bytes to the GPU a request", cost.bytes_in_per_request, "bytes"),
            ("speed of copies to the GPU", cost.in_gb_per_s, "GB/s"),
        ):
            if not isinstance(value, Unavailable):
                yield Evidence(label, value, unit, ref)
    for agreement in analysis.agreements:
        ref = f"{agreement.source} samples"
        for label, ratio in (
            (f"{agreement.device} busy by its samples", agreement.sampled_ratio),
            (f"{agreement.device} busy by the trace", agreement.traced_ratio),
        ):
            if not isinstance(ratio, Unavailable):
                yield Evidence(label, ratio, "ratio", ref)
        for other in agreement.others:
            yield Evidence("process on the GPU", other.pid, "pid", ref)
            if not isinstance(other.share, Unavailable):
                yield Evidence(f"share of process {other.pid}", other.share, "ratio", ref)
