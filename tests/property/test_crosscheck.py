"""Whatever a trace holds: samples that are the trace, averaged and shifted, never contradict it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from diag.analysis.intervals.sets import covered_between, union
from diag.analysis.samples.bounds import kernel_times, traced_bounds
from diag.analysis.samples.clock_alignment import AlignedSeries
from diag.analysis.samples.comparison import compare
from diag.analysis.samples.dcgm import dcgm_readings
from diag.analysis.samples.nvml import nvml_readings
from diag.analysis.samples.readings import Readings
from diag.model.availability import Unavailable
from diag.model.intervals import IntervalSet
from diag.model.samples import SampledDevice, SampleSeries
from diag.model.window import Window

MS = 1_000_000
UNIX_NS = 1_700_000_000_000_000_000
NOTHING = IntervalSet(np.empty(0, np.int64), np.empty(0, np.int64))


@st.composite
def kernel_sets(draw: st.DrawFn, window_ns: int) -> IntervalSet:
    """Kernels of any length with gaps of any length, and quiet stretches."""
    pieces = draw(
        st.lists(
            st.tuples(st.integers(0, 400 * MS), st.integers(1, 400 * MS), st.integers(1, 40)),
            min_size=0,
            max_size=12,
        )
    )
    start: list[int] = []
    end: list[int] = []
    at = 0
    for gap, length, parts in pieces:
        at += gap
        step = max(length // parts, 2)
        for n in range(parts):
            start.append(at + n * step)
            end.append(at + n * step + max(step // 2, 1))
        at += length
    found = union(np.array(start, np.int64), np.array(end, np.int64))
    keep = found.end_ns <= window_ns
    return found.where(keep)


def share(kernels: IntervalSet, end_ns: int, length_ns: int) -> float:
    covered = covered_between(kernels, np.array([end_ns - length_ns]), np.array([end_ns]))
    return float(covered[0]) / length_ns


def placed(source: str, samples: list[dict[str, object]], error_ns: int) -> AlignedSeries:
    units = {name: "%" for sample in samples for name in sample if name != "unix_ns"}
    series = SampleSeries(source, 50 * MS, units, tuple(samples), devices=(SampledDevice("x"),))
    return AlignedSeries(series, -UNIX_NS, error_ns)


def never_contradicts(readings: Readings, kernels: IntervalSet, window: Window) -> None:
    """Nothing at all is beyond the bounds, so that the whole tolerance is left for the world."""
    inside = readings.within(window)
    if not len(inside):
        return
    result = compare(inside, kernels, NOTHING, window)
    assert result.excess <= 1e-6
    assert result.deficit <= 1e-6


windows = st.integers(500, 3000).map(lambda ms: ms * MS)


@settings(max_examples=150)
@given(st.data(), windows, st.integers(0, 100), st.floats(-1, 1), st.integers(20, 900))
def test_driver_samples_of_the_trace_agree_within_the_clocks_error(
    data: st.DataObject, window_ns: int, error_ms: int, skew: float, period_ms: int
) -> None:
    kernels = data.draw(kernel_sets(window_ns))
    error_ns, period_ns = error_ms * MS, period_ms * MS
    begin_ns = data.draw(st.integers(-period_ns, period_ns))
    shift_ns = round(skew * error_ns)
    samples: list[dict[str, object]] = [
        {
            "unix_ns": UNIX_NS + end_ns + shift_ns,
            "driver_utilization_percent": [int(100 * share(kernels, end_ns, period_ns))],
        }
        for end_ns in range(begin_ns, window_ns + period_ns, period_ns)
    ]
    readings = nvml_readings(placed("gpu", samples, error_ns), 0)
    never_contradicts(readings, kernels, Window(0, window_ns))


@settings(max_examples=40)
@given(st.data(), windows, st.integers(0, 200), st.floats(-1, 1), st.integers(10, 80))
def test_driver_samples_that_overlap_agree_within_the_clocks_error(
    data: st.DataObject, window_ns: int, error_ms: int, skew: float, period_ms: int
) -> None:
    """Each averages over several periods, of which none is told but that they last 166 ms at most.

    The clock's error may be that of a server far away.
    """
    kernels = data.draw(kernel_sets(window_ns))
    error_ns, period_ns = error_ms * MS, period_ms * MS
    length_ns = period_ns * data.draw(st.integers(1, 166 // period_ms))
    begin_ns = data.draw(st.integers(-period_ns, period_ns))
    ends_ns = np.arange(begin_ns, window_ns + period_ns, period_ns)
    percents = 100 * covered_between(kernels, ends_ns - length_ns, ends_ns) // length_ns
    samples: list[dict[str, object]] = [
        {"unix_ns": UNIX_NS + end_ns, "driver_utilization_percent": [percent]}
        for end_ns, percent in zip(
            (ends_ns + round(skew * error_ns)).tolist(), percents.tolist(), strict=True
        )
    ]
    readings = nvml_readings(placed("gpu", samples, error_ns), 0)
    never_contradicts(readings, kernels, Window(0, window_ns))


@settings(max_examples=60)
@given(st.data(), windows, st.integers(0, 50), st.floats(-1, 1), st.integers(167, 1000))
def test_polled_rates_of_the_trace_agree_whatever_the_drivers_period(
    data: st.DataObject, window_ns: int, error_ms: int, skew: float, period_ms: int
) -> None:
    kernels = data.draw(kernel_sets(window_ns))
    error_ns, period_ns = error_ms * MS, period_ms * MS
    phase_ns = data.draw(st.integers(0, period_ns))
    samples: list[dict[str, object]] = []
    for at_ns in range(0, window_ns, 50 * MS):
        made_ns = (at_ns - phase_ns) // period_ns * period_ns + phase_ns
        percent = round(100 * share(kernels, made_ns, period_ns))
        unix_ns = UNIX_NS + at_ns + round(skew * error_ns)
        samples.append({"unix_ns": unix_ns, "utilization_percent": [percent]})
    readings = nvml_readings(placed("gpu", samples, error_ns), 0)
    never_contradicts(readings, kernels, Window(0, window_ns))


@settings(max_examples=60)
@given(st.data(), windows, st.integers(0, 50), st.floats(-1, 1), st.integers(250, 1500))
def test_an_exporters_ratios_of_the_trace_agree_whatever_its_interval(
    data: st.DataObject, window_ns: int, error_ms: int, skew: float, interval_ms: int
) -> None:
    kernels = data.draw(kernel_sets(window_ns))
    error_ns, interval_ns = error_ms * MS, interval_ms * MS
    phase_ns = data.draw(st.integers(0, interval_ns))
    samples: list[dict[str, object]] = []
    for at_ns in range(0, window_ns, 200 * MS):
        number = (at_ns - phase_ns) // interval_ns
        ratio = share(kernels, number * interval_ns + phase_ns, interval_ns)
        unix_ns = UNIX_NS + at_ns + round(skew * error_ns)
        # The power drawn is never quite the same: every collection changes the page.
        sample = {"gr_engine_active_ratio": [ratio], "power_w": [float(number)]}
        samples.append({"unix_ns": unix_ns, **sample})
    readings = dcgm_readings(placed("dcgm", samples, error_ns), 0)
    never_contradicts(readings, kernels, Window(0, window_ns))


@settings(max_examples=150)
@given(st.data(), windows)
def test_the_bounds_hold_the_share_of_every_span_that_is_possible(
    data: st.DataObject, window_ns: int
) -> None:
    kernels = data.draw(kernel_sets(window_ns))
    window = Window(0, window_ns)
    least_ns = data.draw(st.integers(20 * MS, 400 * MS))
    most_ns = least_ns + data.draw(st.integers(0, 400 * MS))
    first_ns = data.draw(st.integers(0, window_ns))
    last_ns = first_ns + data.draw(st.integers(0, 300 * MS))
    one = Readings(
        field="any",
        low=np.zeros(1),
        high=np.ones(1),
        end_min_ns=np.array([first_ns]),
        end_max_ns=np.array([last_ns]),
        length_min_ns=np.array([least_ns]),
        length_max_ns=np.array([most_ns]),
        weight_ns=np.array([least_ns]),
        resolution_ns=least_ns,
        averaging=Unavailable("not needed here"),
    )
    bounds = traced_bounds(kernel_times(kernels, NOTHING, window), one)
    least, most = bounds.least, bounds.most_traced[0]
    end_ns = data.draw(st.integers(first_ns, last_ns))
    length_ns = data.draw(st.integers(least_ns, most_ns))
    if end_ns - length_ns >= 0 and end_ns <= window_ns:
        assert least <= share(kernels, end_ns, length_ns) <= most
    assert 0 <= least <= most <= bounds.most[0] <= 1
