"""Sampled utilization over time, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.samples.fields import readings_in
from diag.model.availability import Unavailable
from diag.report.level_series import TIME
from diag.report.model import Series
from diag.report.rows import number_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.capture import Capture
    from diag.model.samples import SampleSeries
    from diag.report.model import Cell, Column

# Fields that say how busy something was, and their names; at most 20 Hz, so that all are kept.
UTILIZATION = {
    "cpu_percent": "host CPU",
    "server_cpu_percent": "server CPU",
    "utilization_percent": "GPU utilization (NVML)",
    "gpm_sm_percent": "SM activity (NVML)",
    "gpu_util_percent": "GPU utilization (DCGM)",
    "sm_active_ratio": "SM activity (DCGM)",
}
_SOURCES = {"host": "host CPU", "gpu": "GPU utilization (NVML)"}


def sample_series(capture: Capture) -> Iterator[Series]:
    """Every field of every source; of host and GPU also that there is none, and why."""
    for name, samples, is_told in (
        ("host", capture.host_samples, True),
        ("gpu", capture.gpu_samples, isinstance(capture.dcgm_samples, Unavailable)),
        ("dcgm", capture.dcgm_samples, False),
    ):
        if not isinstance(samples, Unavailable):
            yield from _utilization(name, samples, capture)
        elif is_told:
            columns = (TIME, _value("%"))
            values: dict[str, tuple[Cell, ...]] = {"time_ns": (), "value": ()}
            note = f"not known: {samples.reason}"
            yield Series(f"samples.{name}", _SOURCES[name], "points", columns, values, note)


def _value(unit: str) -> Column:
    return number_column("value", "value", unit, "As sampled.")


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
            suffix = f".{place}" if place else ""
            title = f"{UTILIZATION[field]}{f' {place}' if place else ''}"
            yield _points(f"{source}.{field}{suffix}", title, unit, points)


def _points(id_: str, title: str, unit: str, points: list[tuple[int, float]]) -> Series:
    return Series(
        id=f"samples.{id_}",
        title=title,
        kind="points",
        columns=(TIME, _value(unit)),
        values={
            "time_ns": tuple(time_ns for time_ns, _ in points),
            "value": tuple(value for _, value in points),
        },
    )
