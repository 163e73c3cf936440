"""Series over time for charts: intervals, requests in flight, sampled utilization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.analysis.samples.fields import readings_in
from diag.model.availability import Unavailable
from diag.report.interval_series import INTERVALS_MAX, interval_series
from diag.report.model import Section, Series
from diag.report.rows import number_column
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.model.capture import Capture
    from diag.model.events import Int64s
    from diag.model.samples import SampleSeries

IN_FLIGHT_MAX = 4_000
INTERVALS_MIN = 500
SLICES = 1_000
# Fields that say how busy something was; sampling is at most 20 Hz, so that all samples are kept.
UTILIZATION = frozenset(
    {
        "cpu_percent",
        "server_cpu_percent",
        "utilization_percent",
        "gpm_sm_percent",
        "gpu_util_percent",
        "sm_active_ratio",
    }
)
TIME = number_column("time_ns", "time", "ns", "From the window's start.")
STEP_COLUMNS = (
    TIME,
    number_column("in_flight", "in flight", "requests", "Requests in the server from then on."),
)
SLICE_COLUMNS = (
    number_column("start_ns", "start", "ns", "From the window's start."),
    number_column("end_ns", "end", "ns", "From the window's start, half-open."),
    number_column("in_flight", "mean", "requests", "Mean number of requests in the server."),
    number_column("peak", "peak", "requests", "Most requests in the server at once."),
)


@topic(order=1600)
def timeline_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Without notes and tables: formats without charts leave it out."""
    analysis = inputs.analysis
    rows_max = max(INTERVALS_MIN, INTERVALS_MAX // max(1, len(analysis.timelines)))
    series = [
        interval_series(
            each,
            analysis.gaps,
            analysis.gaps.timeline_index == index,
            rows_max,
            origin_ns=analysis.capture.window.start_ns,
        )
        for index, each in enumerate(analysis.timelines)
    ]
    series.append(in_flight_series(analysis))
    capture = analysis.capture
    for name, samples in (
        ("host", capture.host_samples),
        ("gpu", capture.gpu_samples),
        ("dcgm", capture.dcgm_samples),
    ):
        if not isinstance(samples, Unavailable):
            series += _utilization(name, samples, capture)
    title = "Over the window"
    yield Section(id="timeline", title=title, series=tuple(series), is_detail=True)


def in_flight_series(
    analysis: Analysis, steps_max: int = IN_FLIGHT_MAX, slices: int = SLICES
) -> Series:
    """Steps at every begin and end of a request, or mean and peak by slice where there are many.

    Args:
        analysis: Where the requests are.
        steps_max: The most steps of a series.
        slices: How many equal slices of the window a series of many steps gets.
    """
    window = analysis.capture.window
    begins, ends = analysis.requests.start_ns, analysis.requests.end_ns
    times = np.concatenate([begins, ends]) - window.start_ns
    change = np.concatenate([np.ones(len(begins), np.int64), -np.ones(len(ends), np.int64)])
    # Where one begins as another ends, the end comes first: intervals are half-open.
    order = np.lexsort((change, times))
    times, level = times[order], np.cumsum(change[order])
    title = "Requests in the server"
    if len(times) <= steps_max:
        values = {"time_ns": tuple(times.tolist()), "in_flight": tuple(level.tolist())}
        return Series("in_flight", title, "steps", STEP_COLUMNS, values)
    edges = np.linspace(0, window.duration_ns, slices + 1).astype(np.int64)
    values = {
        "start_ns": tuple(edges[:-1].tolist()),
        "end_ns": tuple(edges[1:].tolist()),
        **_by_slice(times, level, edges),
    }
    note = f"mean and peak of {slices:,} equal slices of the window"
    return Series("in_flight", title, "bars", SLICE_COLUMNS, values, note)


def _by_slice(
    times: Int64s, level: Int64s, edges: Int64s
) -> dict[str, tuple[int | float | Unavailable, ...]]:
    """Mean and peak of a step function between each two edges."""
    at = np.unique(np.concatenate([times, edges]))
    rank = np.searchsorted(times, at, side="right") - 1
    value = np.where(rank >= 0, level[np.maximum(rank, 0)], 0)
    lengths = np.diff(at)
    inside = (at[:-1] >= edges[0]) & (at[:-1] < edges[-1])
    owner = np.searchsorted(edges, at[:-1], side="right")[inside] - 1
    area, peak = np.zeros(len(edges) - 1, np.int64), np.zeros(len(edges) - 1, np.int64)
    np.add.at(area, owner, (value[:-1] * lengths)[inside])
    np.maximum.at(peak, owner, value[:-1][inside])
    mean = area / np.maximum(1, np.diff(edges))
    return {"in_flight": tuple(mean.tolist()), "peak": tuple(peak.tolist())}


def _utilization(source: str, samples: SampleSeries, capture: Capture) -> Iterator[Series]:
    """Each field and device by itself; of a field with a value a core, their mean."""
    origin = capture.origin_unix_ns
    if isinstance(origin, Unavailable):
        return
    clocks = [clock for clock in capture.clocks if clock.source == source]
    shift = (clocks[0].offset_ns if clocks else 0) - origin - capture.window.start_ns
    for field, unit in samples.units.items():
        if field not in UTILIZATION:
            continue
        by_place: dict[str, list[tuple[int, float]]] = {}
        for sample in samples.samples:
            values: dict[str, list[float]] = {}
            for reading in readings_in(field, unit, sample.get(field)):
                place = reading.place if samples.devices else ""
                values.setdefault(place, []).append(reading.value)
            for place, found in values.items():
                point = (sample["unix_ns"] + shift, sum(found) / len(found))
                by_place.setdefault(place, []).append(point)
        for place, points in by_place.items():
            yield _points(f"{source}.{field}{f'.{place}' if place else ''}", unit, points)


def _points(id_: str, unit: str, points: list[tuple[int, float]]) -> Series:
    return Series(
        id=f"samples.{id_}",
        title=id_.replace(".", " "),
        kind="points",
        columns=(TIME, number_column("value", "value", unit, "As sampled.")),
        values={
            "time_ns": tuple(time_ns for time_ns, _ in points),
            "value": tuple(value for _, value in points),
        },
    )
