"""GPUs of which the trace holds no event: whether the samples say that something is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from diag.analysis.sampled.clock_alignment import Placed, devices_of, name_of, place
from diag.analysis.sampled.dcgm import ENGINE
from diag.analysis.sampled.dcgm import UTILIZATION as DCGM_RATE
from diag.analysis.sampled.messages import describe_untraced
from diag.analysis.sampled.nvml import DRIVER, RATE
from diag.analysis.sampled.processes import (
    Occupants,
    devices_of_server,
    occupants,
    share_of,
)
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
    "nvml": ((DRIVER, 100), (RATE, 100)),
    "dcgm": ((ENGINE, 1), (DCGM_RATE, 100)),
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
        share = sampled_share(capture, source, series, index)
        # A slice gives none, as its GPU says already.
        is_told = isinstance(share, float) or not device.is_slice
        if index in served or (not served and is_told):
            one = _agreement(capture, source, series, index, share, loss, with_fixes=with_fixes)
            with_fixes = with_fixes and one.kind is not AgreementKind.PLANE_MISSING
            found.append(one)
    return found


def sampled_share(
    capture: Capture, source: str, series: SampleSeries, index: int
) -> float | Unavailable:
    """Mean utilization of a device, 0 to 1, over what ``time_of`` says."""
    placed = _placed(capture, series)
    # Where no clock is known, a shift of nothing: only the values count.
    values_of = (placed if isinstance(placed, Placed) else Placed(series, 0, 0)).values
    fields = _FIELDS.get(source, _FIELDS["nvml"])
    was_sampled = False
    for field, whole in fields:
        times, values = values_of(field, index)
        was_sampled |= len(times) > 0
        if isinstance(placed, Placed):
            window = capture.window
            values = values[(times >= window.start_ns) & (times <= window.end_ns)]
        if len(values):
            return float(np.clip(np.mean(values) / whole, 0, 1))
    if was_sampled:
        return Unavailable("no sample lies within the window")
    keys = (key for field, _ in fields for key in (f"{index}:{field}", field))
    reasons = (series.missing[key] for key in keys if key in series.missing)
    return Unavailable(next(reasons, "never sampled"))


def time_of(capture: Capture, series: SampleSeries) -> str:
    """The time that a sampled share is of, as a sentence says it."""
    if isinstance(_placed(capture, series), Placed):
        return "over the window"
    return "over all samples, whose clock is not related to the trace's"


def _placed(capture: Capture, series: SampleSeries) -> Placed | Unavailable:
    return place(capture, series, _NOT_TRACED)


def _agreement(
    capture: Capture,
    source: str,
    series: SampleSeries,
    index: int,
    share: float | Unavailable,
    loss: DeviceLoss,
    *,
    with_fixes: bool,
) -> Agreement:
    seen = occupants(series, index)
    kind = _kind(share, seen)
    placed = _placed(capture, series)
    is_known = isinstance(share, float) and isinstance(placed, Placed)
    name = name_of(series, index)
    blamed = seen.at_work if kind is AgreementKind.OTHER_PROCESS else ()
    return Agreement(
        device=name,
        source=source,
        kind=kind,
        traced_ratio=_NOT_TRACED,
        sampled_ratio=share,
        tolerance_ratio=_NOT_TRACED,
        overlap_ns=capture.window.duration_ns if is_known else 0,
        resolution_ns=Unavailable("nothing was compared"),
        clock_error_ns=placed.error_ns if isinstance(placed, Placed) else placed,
        others=seen.rest if seen.knows_server else blamed,
        text=describe_untraced(
            kind,
            source,
            name,
            share,
            time_of(capture, series),
            seen,
            blamed,
            loss,
            was_asked=_was_asked(capture),
            with_fixes=with_fixes,
        ),
    )


def _kind(share: float | Unavailable, seen: Occupants) -> AgreementKind:
    if isinstance(share, Unavailable):
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
