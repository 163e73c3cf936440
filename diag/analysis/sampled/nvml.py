"""Readings of NVML: the driver's own samples, else what polling its rates gave.

The rate is the share of the driver's last period in which a kernel ran; the period is 1/6 to 1 s
and nothing tells it (nvmlUtilization_t). The samples of ``nvmlDeviceGetSamples`` bear the driver's
own time.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.sampled.clock_alignment import Placed
from diag.analysis.sampled.readings import Float64s, Readings, no_readings
from diag.analysis.thresholds import (
    NVML_PERIOD_MAX_NS,
    NVML_PERIOD_MIN_NS,
    SAMPLE_ROUNDING_RATIO,
)
from diag.model.availability import Unavailable
from diag.model.events import Int64s

DRIVER = "driver_utilization_percent"
RATE = "utilization_percent"
SM_ACTIVITY = "gpm_sm_percent"

_POLLS_MAX = 64


def nvml_readings(placed: Placed, index: int) -> Readings:
    """What NVML said of one device; the best of its fields that there is.

    SM activity, where there is nothing else, is a least value only: all multiprocessors count, and
    a kernel may keep few of them busy.
    """
    times, values = placed.values(DRIVER, index)
    if len(times) >= 2:
        return _of_driver(times, values / 100, placed.error_ns)
    times, values = placed.values(RATE, index)
    if len(times):
        return _of_polls(times, values / 100, placed)
    times, values = placed.values(SM_ACTIVITY, index)
    if len(times) >= 2:
        return _of_activity(times, values / 100, placed.error_ns)
    missing = placed.series.missing
    reason = next(
        (
            missing[key]
            for field in (RATE, DRIVER)
            for key in (f"{index}:{field}", field)
            if key in missing
        ),
        "no utilization was sampled",
    )
    return no_readings(RATE, Unavailable(reason), reason)


def _of_driver(times: Int64s, share: Float64s, error_ns: int) -> Readings:
    """Each sample tells of the time since the one before it, or of a whole period if longer."""
    new = np.concatenate(([True], np.diff(times) > 0))
    times, share = times[new], share[new]
    if len(times) < 2:
        unknown = Unavailable("all of the driver's samples bear the same time")
        return no_readings(DRIVER, unknown, unknown.reason)
    distance = np.diff(times)
    period = int(np.median(distance))
    usual = np.concatenate(([period], distance))
    length = np.where((usual * 2 > period) & (usual * 2 <= period * 3), usual, period)
    low, high = _rounded(share)
    over = "" if period >= NVML_PERIOD_MIN_NS else ", each over up to 167 ms"
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
        averaging=f"the driver's own samples, {period / 1e6:.0f} ms apart{over}",
        is_stamped=True,
    )


def _of_polls(times: Int64s, share: Float64s, placed: Placed) -> Readings:
    """Each poll tells of the driver's last period, which ended up to a period ago."""
    longest = _longest_period(times, share)
    # Each tells of up to a second: more of them than a few in a period tell nothing new.
    thin = max(1, len(times) // _POLLS_MAX)
    times, share = times[::thin], share[::thin]
    n = len(times)
    low, high = _rounded(share)
    step = np.diff(times)
    usual = int(np.median(step)) if len(step) else placed.series.period_ns
    return Readings(
        field=RATE,
        low=low,
        high=high,
        end_min_ns=times - longest - placed.error_ns,
        end_max_ns=times + placed.error_ns,
        length_min_ns=np.full(n, NVML_PERIOD_MIN_NS),
        length_max_ns=np.full(n, longest),
        weight_ns=np.full(n, max(usual, 1)),
        resolution_ns=longest,
        averaging=f"the driver's period, 167 to {longest / 1e6:.0f} ms, which it does not tell",
    )


def _longest_period(times: Int64s, share: Float64s) -> int:
    """The driver's period at most: it cannot be longer than two changes are apart."""
    changed = np.flatnonzero(np.diff(share) != 0) + 1
    if len(changed) < 2:
        return NVML_PERIOD_MAX_NS
    # The first change was made after the poll before it.
    apart = int((times[changed[1:]] - times[changed[:-1] - 1]).min())
    return min(max(apart, NVML_PERIOD_MIN_NS), NVML_PERIOD_MAX_NS)


def _of_activity(times: Int64s, share: Float64s, error_ns: int) -> Readings:
    """Each sample tells of the time since the one before it."""
    length = np.maximum(np.diff(times), 1)
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
        resolution_ns=int(np.median(length)),
        averaging=f"SM activity between samples, {np.median(length) / 1e6:.0f} ms apart",
    )


def _rounded(share: Float64s) -> tuple[Float64s, Float64s]:
    """Within which the share was, before it became a whole percent; below 1 to be two-sided."""
    low = np.clip(share - SAMPLE_ROUNDING_RATIO, 0, 1)
    high = np.clip(share + SAMPLE_ROUNDING_RATIO, 0, np.nextafter(1.0, 0.0))
    return np.asarray(low, np.float64), np.asarray(high, np.float64)
