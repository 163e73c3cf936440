"""GPUs of which the trace holds no event: whether the samples say that something is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from diag.analysis.sampled.placing import devices_of, number_at
from diag.analysis.sampled.processes import (
    Occupants,
    devices_of_server,
    occupants,
    share_of,
)
from diag.analysis.sampled.words import describe_untraced, why_no_share
from diag.analysis.thresholds import (
    AT_WORK_MIN_RATIO,
    OTHERS_EXPLAIN_RATIO,
    SAMPLED_BUSY_MIN_RATIO,
)
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import Agreement, AgreementKind, DeviceLoss
from diag.model.samples import SampleSeries

# By source, the fields that tell of utilization, the best first, and what a whole is.
_FIELDS = {
    "nvml": (("driver_utilization_percent", 100), ("utilization_percent", 100)),
    "dcgm": (("gr_engine_active_ratio", 1), ("gpu_util_percent", 100)),
}
_NOT_TRACED = Unavailable("the trace holds no event of a GPU")


def check_untraced(
    capture: Capture, source: str, series: SampleSeries, loss: DeviceLoss, *, with_fixes: bool
) -> list[Agreement]:
    """One entry a sampled GPU that the server may use; where its process was seen, only those.

    Args:
        capture: Whose trace holds no event of a GPU.
        source: ``nvml``, ``agent`` or ``dcgm``.
        series: Of that source.
        loss: What the tracer said.
        with_fixes: Whether to tell what brings the planes back, with the first that is missing.
    """
    served = devices_of_server(series)
    found: list[Agreement] = []
    for index, device in enumerate(devices_of(series)):
        is_slice = device.is_mig and sampled_share(source, series, index) is None
        if not is_slice and (not served or index in served):
            one = _agreement(capture, source, series, index, loss, with_fixes=with_fixes)
            with_fixes = with_fixes and one.kind is not AgreementKind.PLANE_MISSING
            found.append(one)
    return found


def sampled_share(source: str, series: SampleSeries, index: int) -> float | None:
    """Mean utilization of a device over all samples of the window, 0 to 1."""
    for field, whole in _FIELDS.get(source, _FIELDS["nvml"]):
        found = [number_at(sample.get(field), index) for sample in series.samples]
        values = [value for value in found if value is not None]
        if values:
            return float(np.clip(np.mean(values) / whole, 0, 1))
    return None


def _agreement(
    capture: Capture,
    source: str,
    series: SampleSeries,
    index: int,
    loss: DeviceLoss,
    *,
    with_fixes: bool,
) -> Agreement:
    share = sampled_share(source, series, index)
    seen = occupants(series, index)
    kind = _kind(share, seen)
    reason = Unavailable(why_no_share(series, index))
    name = f"{devices_of(series)[index].name} (GPU {index})"
    blamed = seen.at_work if kind is AgreementKind.OTHER_PROCESS else ()
    error = next(
        (sync.uncertainty_ns for sync in capture.clocks if sync.source == series.source),
        Unavailable("the bundle does not relate the sampler's clock to the trace's"),
    )
    return Agreement(
        device=name,
        source=source,
        kind=kind,
        traced_ratio=_NOT_TRACED,
        sampled_ratio=reason if share is None else share,
        tolerance_ratio=_NOT_TRACED,
        overlap_ns=capture.window.duration_ns if share is not None else 0,
        resolution_ns=Unavailable("nothing was compared"),
        clock_error_ns=error,
        others=seen.rest if seen.knows_server else blamed,
        text=describe_untraced(
            kind,
            source,
            name,
            share,
            seen,
            blamed,
            loss,
            was_asked=_was_asked(capture),
            with_fixes=with_fixes,
        ),
    )


def _kind(share: float | None, seen: Occupants) -> AgreementKind:
    if share is None:
        return AgreementKind.TOO_COARSE
    if share < SAMPLED_BUSY_MIN_RATIO:
        return AgreementKind.AGREE
    own = 0.0 if seen.server is None else share_of(seen.server)
    theirs = sum(share_of(each) for each in seen.at_work)
    if seen.knows_server and own < AT_WORK_MIN_RATIO and theirs >= OTHERS_EXPLAIN_RATIO * share:
        return AgreementKind.OTHER_PROCESS
    return AgreementKind.PLANE_MISSING


def _was_asked(capture: Capture) -> bool:
    """Whether GPUs were to be traced, as far as the bundle says."""
    if isinstance(capture.manifest, Unavailable):
        return True
    plan: Any = capture.manifest.get("plan", {})
    return not (isinstance(plan, dict) and plan.get("device_trace") is False)
