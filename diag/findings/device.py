"""What several rules ask about GPUs and about the timeline that is held up most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.cpu import cpu_busy
from diag.findings import thresholds
from diag.findings.open_requests import open_requests
from diag.findings.shares import top_model, window_ratio
from diag.model.agreement import AgreementKind
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Source
from diag.model.gaps import IdleCause
from diag.model.quantity import duration
from diag.model.serving import StageGroup

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs
    from diag.model.agreement import Agreement


def is_saturated(inputs: RuleInputs) -> bool:
    """Whether the timeline is at work for at least ``SATURATED_MIN_RATIO`` of its window."""
    return working_ratio(inputs) >= thresholds.SATURATED_MIN_RATIO


def working_ratio(inputs: RuleInputs) -> float:
    """Share of the window in which the device works; 0 without a timeline.

    On the CPU preprocessing ops count as work too: they take the same cores as the model.
    """
    gaps = inputs.gaps
    if gaps is None:
        return 0.0
    busy = window_ratio(gaps, gaps.timeline.busy_ns)
    return busy if inputs.on_device else busy + inputs.idle_ratio((IdleCause.PREPROCESS,))


def is_contended(inputs: RuleInputs) -> bool:
    """On the CPU: whether requests wait in queues, or several share a machine with no core left.

    A single caller that sends one request after the other keeps the CPU path busy, too.
    """
    if inputs.on_device:
        return True
    queued, cpu = inputs.shares.group(StageGroup.QUEUEING), cpu_busy(inputs.analysis)
    is_full = not isinstance(cpu, Unavailable) and cpu >= thresholds.CPU_FULL_RATIO
    crowded = is_full and open_requests(inputs.analysis) >= thresholds.CROWDED_MIN
    return queued >= thresholds.CHECK_SLACK or crowded


def is_without_demand(inputs: RuleInputs) -> bool:
    """Whether the timeline is mostly idle, and that mostly without an open request."""
    gaps = inputs.gaps
    if gaps is None or window_ratio(gaps, gaps.idle_ns) < thresholds.NO_DEMAND_MIN_IDLE_RATIO:
        return False
    return gaps.no_demand_ns / max(1, gaps.idle_ns) >= thresholds.NO_DEMAND_MIN_SHARE


def traced_text(analysis: Analysis) -> str:
    """``the window``, or the part of it in which GPUs were traced."""
    windows = [timeline.window for timeline in analysis.timelines if timeline.is_device]
    if not windows or windows[0] == analysis.capture.window:
        return "the window"
    return f"the {duration(windows[0].duration_ns)} in which GPUs were traced"


def untraced(analysis: Analysis) -> Agreement | None:
    """The cross-check of a GPU at work of which the trace holds nothing; None if there is none."""
    if any(timeline.is_device for timeline in analysis.timelines):
        return None
    missing = [a for a in analysis.agreements if a.kind is AgreementKind.PLANE_MISSING]
    return max(missing, key=taken_ratio, default=None)


def shared_gpu(analysis: Analysis) -> tuple[Agreement, float] | None:
    """The GPU that another process keeps most busy, and the ratio of time it takes.

    None where no other process takes ``OTHER_PROCESS_MIN_RATIO`` of the sampled time.
    """
    found = [a for a in analysis.agreements if a.kind is AgreementKind.OTHER_PROCESS]
    worst = max(found, key=taken_ratio, default=None)
    if worst is None or taken_ratio(worst) < thresholds.OTHER_PROCESS_MIN_RATIO:
        return None
    return worst, taken_ratio(worst)


def taken_ratio(agreement: Agreement) -> float:
    """Sampled utilization that the trace's own kernels do not account for, 0 to 1."""
    if isinstance(agreement.sampled_ratio, Unavailable):
        return 0.0
    traced = agreement.traced_ratio
    return agreement.sampled_ratio - (0.0 if isinstance(traced, Unavailable) else traced)


def busy_text(agreement: Agreement) -> str:
    """``90% busy by NVML, 50% by this server's kernels``, as far as it is known."""
    source = {"nvml": "NVML", "dcgm": "DCGM", "agent": "NVML"}.get(agreement.source, "samples")
    parts = [
        f"{ratio:.0%} {by}"
        for ratio, by in (
            (agreement.sampled_ratio, f"busy by {source}"),
            (agreement.traced_ratio, "by this server's kernels"),
        )
        if not isinstance(ratio, Unavailable)
    ]
    return ", ".join(parts)


def cost_evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    """What the model with most device time launches and copies for a request."""
    cost = top_model(analysis)
    if cost is None:
        return ()
    where = Source("costs", cost.model)
    values = (
        ("kernels a request", cost.kernels_per_request, "kernels"),
        ("launch-bound score", cost.launch_bound_score, "ratio"),
        ("bytes to the GPU a request", cost.bytes_in_per_request, "bytes"),
        ("bytes from the GPU a request", cost.bytes_out_per_request, "bytes"),
        ("speed of copies to the GPU", cost.in_gb_per_s, "GB/s"),
    )
    return tuple(
        Evidence(name, value, unit, where)
        for name, value, unit in values
        if not isinstance(value, Unavailable)
    )


def agreement_evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    """How busy each GPU was by its samples and by the trace, and who else was on it."""
    items = []
    for agreement in analysis.agreements:
        where = Source("samples", f"{agreement.source} {agreement.device}")
        for name, ratio in (
            (f"{agreement.device} busy by its samples", agreement.sampled_ratio),
            (f"{agreement.device} busy by the trace", agreement.traced_ratio),
        ):
            if not isinstance(ratio, Unavailable):
                items.append(Evidence(name, ratio, "ratio", where))
        for other in agreement.others:
            items.append(Evidence("process on the GPU", other.pid, "pid", where))
            if not isinstance(other.share, Unavailable):
                items.append(Evidence(f"share of process {other.pid}", other.share, "ratio", where))
    return tuple(items)
