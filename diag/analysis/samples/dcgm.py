"""Readings of a DCGM exporter, which repeats its page until it collects anew.

Only what it collected within the window has a known time: a page that did not change may be as old
as the exporter's interval. The page does not state the interval, so it is derived from the times at
which values change; without two changes the default of 30 s is assumed (dcgm-exporter,
--collect-interval).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from diag.analysis.samples.clock_alignment import AlignedSeries, number_at
from diag.analysis.samples.readings import Readings, no_readings
from diag.analysis.thresholds import (
    DCGM_INTERVAL_MIN_NS,
    DCGM_INTERVAL_NS,
    NVML_PERIOD_MAX_NS,
    NVML_PERIOD_MIN_NS,
    SAMPLE_ROUNDING_RATIO,
    STUCK_ENGINE_MIN_UTILIZATION,
)
from diag.model.agreement import Averaging, AveragingKind
from diag.model.availability import Unavailable
from diag.model.samples import SampleSeries

ENGINE = "gr_engine_active_ratio"
UTILIZATION = "gpu_util_percent"
# Utilization by source of it, the most precise first, and the value that means all of it.
FIELDS: tuple[tuple[str, int], ...] = ((ENGINE, 1), (UTILIZATION, 100))
_AGE = "collected_age_ns"
_MS = 1_000_000
_UNCHANGED = Unavailable(
    "the exporter's values did not change twice in the window, so that its interval, by default "
    "30 s, is not known"
)


class Collection(NamedTuple):
    """One collection: after one scrape and before the next; times on the trace's clock."""

    after_ns: int
    by_ns: int
    sample: dict[str, Any]


class Interval(NamedTuple):
    """The exporter's interval in ns; ``is_derived`` is false for its default."""

    least_ns: int
    usual_ns: int
    most_ns: int
    is_derived: bool


def find_collections(aligned: AlignedSeries) -> list[Collection]:
    """When the exporter collected: any value of any device differs from the scrape before."""
    found = []
    before: tuple[int, Any] | None = None
    for sample in aligned.series.samples:
        state = _state(sample)
        if state is None:
            continue
        at_ns = sample["unix_ns"] + aligned.shift_ns
        if before is not None and state != before[1]:
            found.append(Collection(before[0], at_ns, sample))
        before = at_ns, state
    return found


def _state(sample: dict[str, Any]) -> Any:
    """What differs between two collections; None for a scrape that failed."""
    if _AGE in sample:
        now_ns = sample["unix_ns"]
        return [None if age is None else round((now_ns - age) / _MS) for age in sample[_AGE]]
    values = {name: value for name, value in sample.items() if name != "unix_ns"}
    return values or None


def find_interval(collections: list[Collection]) -> Interval:
    """How far apart collections are, as exactly as the scrapes allow."""
    if len(collections) < 2:
        return Interval(DCGM_INTERVAL_NS, DCGM_INTERVAL_NS, DCGM_INTERVAL_NS, is_derived=False)
    after = np.array([each.after_ns for each in collections], np.int64)
    by = np.array([each.by_ns for each in collections], np.int64)
    blur = int((by - after).max())
    # A collection that changed nothing goes unseen and makes two intervals look like one.
    usual, least = int(np.median(np.diff(by))), int(np.diff(by).min())
    least = min(max(least - blur, DCGM_INTERVAL_MIN_NS), usual)
    return Interval(least, usual, usual + blur, is_derived=True)


def is_engine_stuck(series: SampleSeries, index: int) -> bool:
    """Whether the engine's activity of a device is 0 all the time although the GPU works.

    DCGM's profiling module can stop while the rest of DCGM goes on: GR_ENGINE_ACTIVE then stays 0
    with GPU_UTIL at 95 to 99 (NVIDIA/DCGM issue 303, NVIDIA/dcgm-exporter issue 662). A GPU whose
    utilization is high has some engine activity, however small.
    """
    samples = series.samples
    engine = [v for s in samples if (v := number_at(s.get(ENGINE), index)) is not None]
    used = [v for s in samples if (v := number_at(s.get(UTILIZATION), index)) is not None]
    if not engine or not used or max(engine) > 0:
        return False
    return sum(used) / len(used) / 100 >= STUCK_ENGINE_MIN_UTILIZATION


def dcgm_readings(aligned: AlignedSeries, index: int) -> Readings:
    """Readings of one device.

    The engine's activity averages over the interval; utilization is NVML's, over one period of the
    driver that ended before the collection.
    """
    collections = find_collections(aligned)
    interval = find_interval(collections)
    stuck = is_engine_stuck(aligned.series, index)
    for field in (UTILIZATION,) if stuck else (ENGINE, UTILIZATION):
        given = (number_at(sample.get(field), index) for sample in aligned.series.samples)
        if any(value is not None for value in given):
            break
    else:
        missing = aligned.series.missing
        reason = missing.get(UTILIZATION) or missing.get(f"{index}:{UTILIZATION}")
        return no_readings(UTILIZATION, Unavailable(reason or "no utilization was sampled"))
    if not interval.is_derived:
        return no_readings(field, _UNCHANGED, interval.usual_ns)
    return _collected(field, index, collections, interval, aligned.error_ns)


def _collected(
    field: str, index: int, collections: list[Collection], interval: Interval, error_ns: int
) -> Readings:
    found = [
        (each, value)
        for each in collections
        if (value := number_at(each.sample.get(field), index)) is not None
    ]
    n = len(found)
    is_engine = field == ENGINE
    share = np.array([value for _, value in found], np.float64) / (1 if is_engine else 100)
    delay_ns = 0 if is_engine else NVML_PERIOD_MAX_NS
    least = interval.least_ns if is_engine else NVML_PERIOD_MIN_NS
    most = interval.most_ns if is_engine else NVML_PERIOD_MAX_NS
    kind = AveragingKind.EXPORTER_INTERVAL if is_engine else AveragingKind.EXPORTER_PERIOD
    return Readings(
        field=field,
        low=np.clip(share - SAMPLE_ROUNDING_RATIO, 0, 1),
        high=np.clip(share + SAMPLE_ROUNDING_RATIO, 0, np.nextafter(1.0, 0.0)),
        end_min_ns=np.array([each.after_ns - delay_ns - error_ns for each, _ in found], np.int64),
        end_max_ns=np.array([each.by_ns + error_ns for each, _ in found], np.int64),
        length_min_ns=np.full(n, least, np.int64),
        length_max_ns=np.full(n, most, np.int64),
        weight_ns=np.full(n, interval.usual_ns, np.int64),
        resolution_ns=interval.usual_ns,
        averaging=Averaging(kind, interval.usual_ns, least, most),
    )
