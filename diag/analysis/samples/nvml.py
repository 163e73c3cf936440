"""Readings of NVML: the driver's own samples, or the polled utilization rates.

A rate is the share of the driver's last period in which a kernel ran; the period is 1/6 to 1 s and
not reported (nvmlUtilization_t). The samples of ``nvmlDeviceGetSamples`` have the driver's own
timestamps.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.samples.clock_alignment import AlignedSeries
from diag.analysis.samples.readings import Float64s, Readings, no_readings
from diag.analysis.thresholds import (
    NVML_PERIOD_MAX_NS,
    NVML_PERIOD_MIN_NS,
    SAMPLE_ROUNDING_RATIO,
)
from diag.model.agreement import Averaging, AveragingKind
from diag.model.availability import Unavailable
from diag.model.events import Int64s

DRIVER = "driver_utilization_percent"
RATE = "utilization_percent"
SM_ACTIVITY = "gpm_sm_percent"

_POLLS_MAX = 64


def nvml_readings(aligned: AlignedSeries, index: int) -> Readings:
    """Readings of one device by the most precise field that was sampled.

    SM activity is the last choice. It is only a lower bound on the time in which a kernel ran: it
    counts all multiprocessors, and a kernel may use few of them.
    """
    times, values = aligned.values(DRIVER, index)
    if len(times) >= 2:
        return _of_driver(times, values / 100, aligned.error_ns)
    times, values = aligned.values(RATE, index)
    if len(times):
        return _of_polls(times, values / 100, aligned)
    times, values = aligned.values(SM_ACTIVITY, index)
    if len(times) >= 2:
        return _of_activity(times, values / 100, aligned.error_ns)
    missing = aligned.series.missing
    reason = next(
        (
            missing[key]
            for field in (RATE, DRIVER)
            for key in (f"{index}:{field}", field)
            if key in missing
        ),
        "no utilization was sampled",
    )
    return no_readings(RATE, Unavailable(reason))


def _of_driver(times: Int64s, share: Float64s, error_ns: int) -> Readings:
    """Each sample covers the time since the one before it, or a whole period if that is longer."""
    new = np.concatenate(([True], np.diff(times) > 0))
    times, share = times[new], share[new]
    if len(times) < 2:
        return no_readings(DRIVER, Unavailable("all of the driver's samples have the same time"))
    distance = np.diff(times)
    period = int(np.median(distance))
    usual = np.concatenate(([period], distance))
    length = np.where((usual * 2 > period) & (usual * 2 <= period * 3), usual, period)
    low, high = _rounded(share)
    longest = max(period, NVML_PERIOD_MIN_NS)
    return Readings(
        field=DRIVER,
        low=low,
        high=high,
        end_min_ns=times - error_ns,
        end_max_ns=times + error_ns,
        length_min_ns=length,
        length_max_ns=np.maximum(length, 0 if period >= NVML_PERIOD_MIN_NS else NVML_PERIOD_MIN_NS),
        weight_ns=length,
        resolution_ns=period,
        averaging=Averaging(AveragingKind.DRIVER_SAMPLES, period, period, longest),
        is_stamped=True,
    )


def _of_polls(times: Int64s, share: Float64s, aligned: AlignedSeries) -> Readings:
    """Each poll covers the driver's last period, which ended up to a period before it."""
    longest = _longest_period(times, share)
    # Each covers up to a second: more than a few polls in a period add no information.
    thin = max(1, len(times) // _POLLS_MAX)
    times, share = times[::thin], share[::thin]
    n = len(times)
    low, high = _rounded(share)
    step = np.diff(times)
    usual = int(np.median(step)) if len(step) else aligned.series.period_ns
    return Readings(
        field=RATE,
        low=low,
        high=high,
        end_min_ns=times - longest - aligned.error_ns,
        end_max_ns=times + aligned.error_ns,
        length_min_ns=np.full(n, NVML_PERIOD_MIN_NS),
        length_max_ns=np.full(n, longest),
        weight_ns=np.full(n, max(usual, 1)),
        resolution_ns=longest,
        averaging=Averaging(
            AveragingKind.DRIVER_PERIOD, max(usual, 1), NVML_PERIOD_MIN_NS, longest
        ),
    )


def _longest_period(times: Int64s, share: Float64s) -> int:
    """Upper bound on the driver's period, ns: two changes are at least a period apart."""
    changed = np.flatnonzero(np.diff(share) != 0) + 1
    if len(changed) < 2:
        return NVML_PERIOD_MAX_NS
    # The first change was made after the poll before it.
    apart = int((times[changed[1:]] - times[changed[:-1] - 1]).min())
    return min(max(apart, NVML_PERIOD_MIN_NS), NVML_PERIOD_MAX_NS)


def _of_activity(times: Int64s, share: Float64s, error_ns: int) -> Readings:
    """Each sample covers the time since the one before it."""
    length = np.maximum(np.diff(times), 1)
    usual = int(np.median(length))
    low, _ = _rounded(share[1:])
    return Readings(
        field=SM_ACTIVITY,
        low=low,
        high=np.ones(len(length)),
        end_min_ns=times[1:] - error_ns,
        end_max_ns=times[1:] + error_ns,
        length_min_ns=length,
        length_max_ns=length,
        weight_ns=length,
        resolution_ns=usual,
        averaging=Averaging(AveragingKind.SM_ACTIVITY, usual, int(length.min()), int(length.max())),
    )


def _rounded(share: Float64s) -> tuple[Float64s, Float64s]:
    """Bounds on the share before it was rounded to a percent; below 1, as 1 means no bound."""
    low = np.clip(share - SAMPLE_ROUNDING_RATIO, 0, 1)
    high = np.clip(share + SAMPLE_ROUNDING_RATIO, 0, np.nextafter(1.0, 0.0))
    return np.asarray(low, np.float64), np.asarray(high, np.float64)
