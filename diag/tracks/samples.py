"""Samples of the machine and its GPUs as counters on the trace's clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diag.analysis.result import Analysis
from diag.analysis.samples.fields import COUNTER_SUFFIX, readings_in
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.samples import SampleSeries
from diag.model.tracks import CounterTrack, TrackGroup

# A machine with 256 cores and 8 GPUs has about 500 sampled numbers.
TRACKS_MAX = 1_000


def sample_group(analysis: Analysis) -> tuple[TrackGroup, str]:
    """One counter for each sampled number, and a sentence where samples are left out.

    A number that only grows is shown as its increase per second.
    """
    capture = analysis.capture
    origin = capture.origin_unix_ns
    tracks: list[CounterTrack] = []
    left_out = ""
    series = [
        each
        for each in (capture.host_samples, capture.gpu_samples, capture.dcgm_samples)
        if not isinstance(each, Unavailable)
    ]
    if isinstance(origin, Unavailable):
        left_out = f"Samples are left out: {origin.reason}." if series else ""
    else:
        for each in series:
            tracks += _counters(each, origin - _offset_ns(capture, each.source))
    if len(tracks) > TRACKS_MAX:
        left_out = f"{len(tracks) - TRACKS_MAX:,} sampled numbers are left out."
    group = TrackGroup(
        "samples",
        "What was sampled next to the trace, on the trace's clock.",
        is_recorded=False,
        tracks=tuple(tracks[:TRACKS_MAX]),
    )
    return group, left_out


def _offset_ns(capture: Capture, source: str) -> int:
    return next((clock.offset_ns for clock in capture.clocks if clock.source == source), 0)


def _counters(series: SampleSeries, zero_unix_ns: int) -> Iterator[CounterTrack]:
    """By field and place."""
    found: dict[tuple[str, str, str], tuple[list[int], list[float]]] = {}
    for sample in series.samples:
        for field, unit in series.units.items():
            for reading in readings_in(field, unit, sample.get(field)):
                key = (reading.field, reading.place, reading.unit)
                times, values = found.setdefault(key, ([], []))
                times.append(sample["unix_ns"] - zero_unix_ns)
                values.append(reading.value)
    for (field, place, unit), (times, values) in found.items():
        name = " ".join(filter(None, (series.source, field, place)))
        time_ns, value = np.array(times, np.int64), np.array(values, np.float64)
        recorded = time_ns >= 0  # sampling begins a little before the trace
        time_ns, value = time_ns[recorded], value[recorded]
        if not unit.endswith(COUNTER_SUFFIX):
            yield CounterTrack(name, unit, time_ns, value)
        elif len(value) > 1:
            rate = np.diff(value) / np.maximum(1, np.diff(time_ns)) * 1e9
            unit = f"{unit.removesuffix(COUNTER_SUFFIX)}/s"
            yield CounterTrack(f"{name} per second", unit, time_ns[:-1], rate)
