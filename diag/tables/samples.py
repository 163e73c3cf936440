"""The table of samples: one row per number that was sampled during the capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.samples.fields import Reading, readings_in
from diag.model.samples import SampleSeries
from diag.tables.column import ColumnInfo, ColumnKind, from_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.tables.column import Column

_SOURCE = ColumnInfo("source", "", "`host`, `gpu` (NVML), `dcgm` or `probe`.", ColumnKind.TEXT)
_TIME = ColumnInfo(
    "unix_ns", "ns", "Time of the sample, by the sampler's wall clock.", ColumnKind.TIME
)
_FIELD = ColumnInfo(
    "field",
    "",
    "What was sampled; per process on a GPU, `processes.memory_bytes` and the like.",
    ColumnKind.TEXT,
)
_INDEX = ColumnInfo(
    "index",
    "",
    "Core or device, or `<device>.<pid>`, where a field has several values.",
    ColumnKind.TEXT,
)
_VALUE = ColumnInfo("value", "", "The number, in the row's `unit`.", ColumnKind.REAL)
_UNIT = ColumnInfo(
    "unit", "", "Unit of the number; `..., counted up` marks a counter.", ColumnKind.TEXT
)
_DEVICE = ColumnInfo(
    "device", "", "For GPUs, the device's UUID, or its name where it has none.", ColumnKind.TEXT
)
_TAKEN_BY = ColumnInfo(
    "taken_by",
    "",
    "`diag`, or the address of the agent or exporter that sampled, with its own clock.",
    ColumnKind.TEXT,
)


def sample_columns(analysis: Analysis) -> tuple[Column, ...]:
    """Columns of the table, which has no rows where nothing was sampled."""
    capture = analysis.capture
    rows = [
        (series, sample["unix_ns"], reading)
        for series in (
            capture.host_samples,
            capture.gpu_samples,
            capture.dcgm_samples,
            capture.probe_samples,
        )
        if isinstance(series, SampleSeries)
        for sample in series.samples
        for reading in _readings(series, sample)
    ]
    names = {series.source: _device_names(series) for series, _, _ in rows}
    devices = [
        names[series.source].get(reading.place.partition(".")[0]) for series, _, reading in rows
    ]
    return (
        from_cells(_SOURCE, [series.source for series, _, _ in rows]),
        from_cells(_TIME, [unix_ns for _, unix_ns, _ in rows]),
        from_cells(_FIELD, [reading.field for _, _, reading in rows]),
        from_cells(_INDEX, [reading.place or None for _, _, reading in rows]),
        from_cells(_VALUE, [reading.value for _, _, reading in rows]),
        from_cells(_UNIT, [reading.unit for _, _, reading in rows]),
        from_cells(_DEVICE, devices),
        from_cells(_TAKEN_BY, [series.taken_by for series, _, _ in rows]),
    )


def _readings(series: SampleSeries, sample: dict[str, object]) -> Iterator[Reading]:
    for name, unit in series.units.items():
        yield from readings_in(name, unit, sample.get(name))


def _device_names(series: SampleSeries) -> dict[str, str]:
    """By index: the UUID, which survives a restart, or else the product's name."""
    return {str(index): device.uuid or device.name for index, device in enumerate(series.devices)}
