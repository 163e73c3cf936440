"""Comparisons of samples with the trace as sentences: what was found; and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.thresholds import SAMPLER_BLIND_NS
from diag.findings.gpu_tracing import allow_gpu_tracing
from diag.model.agreement import AgreementKind, AgreementReason, AveragingKind
from diag.model.availability import Unavailable
from diag.model.quantity import NOT_AVAILABLE, duration
from diag.report.wording import remedies
from diag.report.wording.names import (
    counted,
    gpu_name,
    processes,
    sampled_time,
    sentence,
    source_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from diag.model.agreement import Agreement, Averaging

Reason = AgreementReason


def describe_agreement(item: Agreement) -> str:
    """One or two sentences: the shares that were compared, the outcome and its reason."""
    describe = _BY_REASON.get(item.reason)
    return describe(item) if describe else _BY_KIND[item.kind](item)


def describe_agreeing(source: str, devices: Sequence[str]) -> str:
    """One sentence for several GPUs on which samples and trace agree."""
    names = ", ".join(gpu_name(device) for device in devices)
    return f"{sentence(source_name(source))} and the trace agree on {names}."


def advise_agreement(item: Agreement) -> str:
    """What to do about it, as one sentence; "" for nothing.

    Agreements with the same ``remedy`` and ``cupti_access`` have the same advice.
    """
    if item.remedy == "allow-gpu-tracing":
        return allow_gpu_tracing(item.cupti_access)
    return _ADVICE.get(item.remedy, "")


def describe_averaging(averaging: Averaging | Unavailable) -> str:
    """What one sample averages over, as a noun phrase; "" if nothing was compared."""
    if isinstance(averaging, Unavailable):
        return ""
    period, span = duration(averaging.period_ns), duration(averaging.span_max_ns)
    spans = f"{duration(averaging.span_min_ns)} to {span}"
    if averaging.kind is AveragingKind.DRIVER_SAMPLES:
        over = f", each over up to {span}" if averaging.span_max_ns > averaging.period_ns else ""
        return f"the driver's own samples, {period} apart{over}"
    if averaging.kind is AveragingKind.DRIVER_PERIOD:
        return f"averages over the driver's period, somewhere from {spans}"
    if averaging.kind is AveragingKind.SM_ACTIVITY:
        return f"SM activity between samples, {period} apart"
    interval = f"the exporter collects every {period}, by the times its values change"
    if averaging.kind is AveragingKind.EXPORTER_INTERVAL:
        return interval
    return f"{interval}, each value over one period of the driver ({spans})"


def _percent(ratio: float | Unavailable) -> str:
    return NOT_AVAILABLE if isinstance(ratio, Unavailable) else f"{ratio:.0%}"


def _points(ratio: float | Unavailable) -> str:
    return NOT_AVAILABLE if isinstance(ratio, Unavailable) else f"{100 * ratio:.0f} points"


def _busy(item: Agreement) -> str:
    return (
        f"{_percent(item.sampled_ratio)} busy by {source_name(item.source)}, "
        f"{_percent(item.traced_ratio)} by this server's kernels, over {duration(item.overlap_ns)}"
    )


def _detail(item: Agreement) -> str:
    how = describe_averaging(item.averaging)
    within = f"within {_points(item.tolerance_ratio)}"
    return f"{within}; {how}" if how else within


def _agree(item: Agreement) -> str:
    return (
        f"Samples and trace agree on {gpu_name(item.device)}: {_busy(item)} ({_detail(item)}; "
        "copies do not count)."
    )


def _short_gaps(item: Agreement) -> str:
    return (
        f"Samples and trace agree on {gpu_name(item.device)} if gaps of less than "
        f"{duration(SAMPLER_BLIND_NS)} between kernels count as busy: {_busy(item)} "
        f"({_detail(item)}; copies do not count)."
    )


def _sm_activity(item: Agreement) -> str:
    return (
        f"The SM activity of {gpu_name(item.device)} is not above the trace: "
        f"{_percent(item.sampled_ratio)} by {source_name(item.source)}, kernels for "
        f"{_percent(item.traced_ratio)} of {duration(item.overlap_ns)} ({_detail(item)})."
    )


def _gpu_idle(item: Agreement) -> str:
    return f"{_untraced(item)}, and the trace has no event of it: no work is missing."


def _others_work_too(item: Agreement) -> str:
    who = processes(item.involved)
    use = "Another process uses" if len(item.involved) == 1 else "Other processes use"
    return f"{use} {gpu_name(item.device)}: {who}. The GPU was {_busy(item)}."


def _only_others_work(item: Agreement) -> str:
    who = processes(item.involved)
    return f"{_untraced(item)}, by {who}. The server did no sampled work on it."


def _not_requested(item: Agreement) -> str:
    return f"{_untraced(item)}, and the capture left GPUs out of the trace."


def _not_traced(item: Agreement) -> str:
    return f"{_untraced(item)}, but the trace has no event of it.{_tracer_message(item)}"


def _not_traced_unknown_process(item: Agreement) -> str:
    return (
        f"{_untraced(item)}, but the trace has no event of it. Which process did that work is not "
        f"known.{_tracer_message(item)}"
    )


def _untraced(item: Agreement) -> str:
    time = sampled_time(is_of_window=not isinstance(item.clock_error_ns, Unavailable))
    name, ratio = gpu_name(item.device), _percent(item.sampled_ratio)
    return f"{name} was {ratio} busy by {source_name(item.source)} {time}"


def _tracer_message(item: Agreement) -> str:
    return f" The tracer reported: {item.tracer_error}." if item.tracer_error else ""


def _events_dropped(item: Agreement) -> str:
    return (
        f"The trace of {gpu_name(item.device)} is not complete, as the tracer dropped "
        f"{counted(item.dropped_events, 'event')}: {_busy(item)}."
    )


def _ends_early(item: Agreement) -> str:
    return (
        f"The trace of {gpu_name(item.device)} is not complete, as its last event is long before "
        f"the samples become idle: {_busy(item)}."
    )


def _clocks_too_loose(item: Agreement) -> str:
    return (
        f"{_source(item)} cannot check {gpu_name(item.device)}: the clocks leave the traced share "
        f"open by {_points(item.doubt_ratio)} ({describe_averaging(item.averaging)})."
    )


def _unchecked(item: Agreement) -> str:
    reason = item.sampled_ratio.reason if isinstance(item.sampled_ratio, Unavailable) else ""
    how = describe_averaging(item.averaging)
    more = f" ({how})" if how else ""
    return f"{_source(item)} cannot check {gpu_name(item.device)}: {reason}{more}."


def _source(item: Agreement) -> str:
    return sentence(source_name(item.source))


def _disagree(item: Agreement) -> str:
    because = _UNEXPLAINED[item.reason](item)
    return f"Samples and trace disagree on {gpu_name(item.device)}: {_busy(item)}. {because}"


_BY_KIND: dict[AgreementKind, Callable[[Agreement], str]] = {
    AgreementKind.TOO_COARSE: _unchecked,
    AgreementKind.DISAGREE: _disagree,
}
_BY_REASON: dict[AgreementReason, Callable[[Agreement], str]] = {
    Reason.WITHIN_TOLERANCE: _agree,
    Reason.SHORT_GAPS: _short_gaps,
    Reason.SM_ACTIVITY: _sm_activity,
    Reason.GPU_IDLE: _gpu_idle,
    Reason.OTHERS_WORK_TOO: _others_work_too,
    Reason.ONLY_OTHERS_WORK: _only_others_work,
    Reason.NOT_REQUESTED: _not_requested,
    Reason.NOT_TRACED: _not_traced,
    Reason.NOT_TRACED_UNKNOWN_PROCESS: _not_traced_unknown_process,
    Reason.EVENTS_DROPPED: _events_dropped,
    Reason.ENDS_EARLY: _ends_early,
    Reason.CLOCKS_TOO_LOOSE: _clocks_too_loose,
}
_UNEXPLAINED: dict[AgreementReason, Callable[[Agreement], str]] = {
    Reason.TRACE_ABOVE_SAMPLES: lambda _: (
        "The samples may be of another GPU, or a clock was set during the capture."
    ),
    Reason.PROCESSES_UNKNOWN: lambda _: "Which processes used the GPU is not known.",
    Reason.OTHERS_TOO_SMALL: lambda item: (
        f"{sentence(processes(item.involved))} cannot explain the difference."
    ),
    Reason.OTHERS_IDLE: lambda _: "The other processes hold memory but did no sampled work.",
    Reason.NO_OTHERS: lambda _: "No other process was seen on the GPU.",
    Reason.SERVER_UNKNOWN: lambda item: (
        f"Whether {processes(item.involved)} is the server or another process is not known."
    ),
    Reason.SHARES_UNKNOWN: lambda _: "The driver does not report how busy each process was.",
}
_ADVICE = {
    "trace-gpus": remedies.TRACE_GPUS,
    "capture-longer": remedies.CAPTURE_LONGER,
    "capture-shorter": remedies.CAPTURE_SHORTER,
    "dedicate-gpu": remedies.DEDICATE_GPU,
}
