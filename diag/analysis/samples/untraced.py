"""GPUs without an event in the trace: do the samples say that something is missing?"""

from __future__ import annotations

from typing import Any

import numpy as np

from diag.analysis.samples.clock_alignment import AlignedSeries, align, devices_of, name_of
from diag.analysis.samples.dcgm import FIELDS as DCGM_FIELDS
from diag.analysis.samples.dcgm import is_engine_stuck
from diag.analysis.samples.nvml import DRIVER, RATE
from diag.analysis.samples.processes import (
    DeviceProcesses,
    devices_of_server,
    processes_on,
    share_of,
)
from diag.analysis.thresholds import (
    AT_WORK_MIN_RATIO,
    OTHERS_EXPLAIN_RATIO,
    SAMPLED_BUSY_MIN_RATIO,
)
from diag.model.agreement import Agreement, AgreementKind, AgreementReason
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import CuptiAccess, DeviceLoss
from diag.model.samples import SampleSeries

# Fields with a utilization by source, the most precise first, and the value that means all of it.
_FIELDS: dict[str, tuple[tuple[str, int], ...]] = {
    "nvml": ((DRIVER, 100), (RATE, 100)),
    "dcgm": DCGM_FIELDS,
}
_NOT_TRACED = Unavailable("the trace holds no event of a GPU")
_NOT_COMPARED = Unavailable("nothing was compared")


def check_untraced(
    capture: Capture, source: str, series: SampleSeries, loss: DeviceLoss
) -> list[Agreement]:
    """One entry for each sampled GPU that the server may use.

    Where the server's process was seen on some GPUs, only those.

    Args:
        capture: Its trace holds no event of a GPU.
        source: ``nvml``, ``agent`` or ``dcgm``.
        series: Of that source.
        loss: What the tracer reported.
    """
    served = devices_of_server(series)
    found: list[Agreement] = []
    for index, device in enumerate(devices_of(series)):
        share = sampled_share(capture, source, series, index)
        # Slices have no utilization; their GPU has an entry that says so.
        is_listed = isinstance(share, float) or not device.is_slice
        if index in served or (not served and is_listed):
            found.append(_agreement(capture, source, series, index, share, loss))
    return found


def sampled_share(
    capture: Capture, source: str, series: SampleSeries, index: int
) -> float | Unavailable:
    """Mean utilization of a device, 0 to 1.

    Over the window; over all samples if their clock is not related to the trace's.
    """
    aligned = align(capture, series, _NOT_TRACED)
    # Without a known clock only the values count.
    values_of = (
        aligned if isinstance(aligned, AlignedSeries) else AlignedSeries(series, 0, 0)
    ).values
    fields = _FIELDS.get(source, _FIELDS["nvml"])
    if source == "dcgm" and is_engine_stuck(series, index):
        fields = DCGM_FIELDS[1:]
    was_sampled = False
    for field, whole in fields:
        times, values = values_of(field, index)
        was_sampled |= len(times) > 0
        if isinstance(aligned, AlignedSeries):
            window = capture.window
            values = values[(times >= window.start_ns) & (times <= window.end_ns)]
        if len(values):
            return float(np.clip(np.mean(values) / whole, 0, 1))
    if was_sampled:
        return Unavailable("no sample lies within the window")
    keys = (key for field, _ in fields for key in (f"{index}:{field}", field))
    reasons = (series.missing[key] for key in keys if key in series.missing)
    return Unavailable(next(reasons, "never sampled"))


def _agreement(
    capture: Capture,
    source: str,
    series: SampleSeries,
    index: int,
    share: float | Unavailable,
    loss: DeviceLoss,
) -> Agreement:
    on_device = processes_on(series, index)
    kind, reason, remedy = _outcome(capture, share, on_device)
    aligned = align(capture, series, _NOT_TRACED)
    is_known = isinstance(share, float) and isinstance(aligned, AlignedSeries)
    blamed = on_device.at_work if kind is AgreementKind.OTHER_PROCESS else ()
    return Agreement(
        device=name_of(series, index),
        source=source,
        kind=kind,
        reason=reason,
        traced_ratio=_NOT_TRACED,
        sampled_ratio=share,
        tolerance_ratio=_NOT_TRACED,
        doubt_ratio=_NOT_TRACED,
        overlap_ns=capture.window.duration_ns if is_known else 0,
        resolution_ns=_NOT_COMPARED,
        averaging=_NOT_COMPARED,
        clock_error_ns=aligned.error_ns if isinstance(aligned, AlignedSeries) else aligned,
        others=on_device.rest if on_device.knows_server else blamed,
        involved=blamed,
        dropped_events=loss.dropped,
        tracer_error=loss.errors[0] if loss.errors else "",
        cupti_access=_access(loss, reason),
        remedy=remedy,
    )


def _access(loss: DeviceLoss, reason: AgreementReason) -> CuptiAccess:
    """Why the tracer has nothing of a GPU; the samples may show that the server uses it."""
    uses_gpu = reason is AgreementReason.NOT_TRACED
    if uses_gpu and not loss.errors and loss.access is CuptiAccess.UNKNOWN:
        return CuptiAccess.NOT_STARTED
    return loss.access


def _outcome(
    capture: Capture, share: float | Unavailable, on_device: DeviceProcesses
) -> tuple[AgreementKind, AgreementReason, str]:
    """The outcome, its reason, and the code of what helps."""
    if isinstance(share, Unavailable):
        return AgreementKind.TOO_COARSE, AgreementReason.NOT_SAMPLED, ""
    if share < SAMPLED_BUSY_MIN_RATIO:
        return AgreementKind.AGREE, AgreementReason.GPU_IDLE, ""
    if _is_work_of_others(share, on_device):
        return AgreementKind.OTHER_PROCESS, AgreementReason.ONLY_OTHERS_WORK, ""
    if not gpus_requested(capture):
        return AgreementKind.PLANE_MISSING, AgreementReason.NOT_REQUESTED, "trace-gpus"
    reason = AgreementReason.NOT_TRACED
    if not on_device.knows_server:
        reason = AgreementReason.NOT_TRACED_UNKNOWN_PROCESS
    return AgreementKind.PLANE_MISSING, reason, "allow-gpu-tracing"


def _is_work_of_others(share: float, on_device: DeviceProcesses) -> bool:
    """Whether the server did no sampled work, and others enough to explain the share."""
    own = 0.0 if on_device.server is None else share_of(on_device.server)
    theirs = sum(share_of(each) for each in on_device.at_work)
    is_idle = on_device.knows_server and own < AT_WORK_MIN_RATIO
    return is_idle and theirs >= OTHERS_EXPLAIN_RATIO * share


def gpus_requested(capture: Capture) -> bool:
    """Whether the capture was to trace GPUs, as far as the bundle says."""
    if isinstance(capture.manifest, Unavailable):
        return True
    plan: Any = capture.manifest.get("plan", {})
    return not (isinstance(plan, dict) and plan.get("device_trace") is False)
