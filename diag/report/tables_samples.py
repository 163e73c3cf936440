"""The table of samples: whatever was sampled beside the trace, one number a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis.samples.fields import Reading, readings_in
from diag.model.samples import SampleSeries
from diag.report.columns import CellKind, TableColumn, TableColumns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis


def sample_columns(analysis: Analysis) -> TableColumns:
    """Long form: one row a sampled number; none where nothing was sampled."""
    capture = analysis.capture
    rows = [
        (series, sample["unix_ns"], item)
        for series in (capture.host_samples, capture.gpu_samples, capture.dcgm_samples)
        if isinstance(series, SampleSeries)
        for sample in series.samples
        for item in _readings(series, sample)
    ]
    names = {id(series): _device_names(series) for series, _, _ in rows}
    return (
        TableColumn("source", CellKind.TEXT, [series.source for series, _, _ in rows]),
        TableColumn("unix_ns", CellKind.BIG_NUMBER, [unix_ns for _, unix_ns, _ in rows]),
        TableColumn("field", CellKind.TEXT, [item.field for _, _, item in rows]),
        TableColumn("index", CellKind.TEXT, [item.place or None for _, _, item in rows]),
        TableColumn("value", CellKind.NUMBER, [item.value for _, _, item in rows]),
        TableColumn("unit", CellKind.TEXT, [item.unit for _, _, item in rows]),
        TableColumn(
            "device",
            CellKind.TEXT,
            [names[id(series)].get(item.place.partition(".")[0]) for series, _, item in rows],
        ),
        TableColumn("taken_by", CellKind.TEXT, [series.taken_by for series, _, _ in rows]),
    )


def _readings(series: SampleSeries, sample: dict[str, object]) -> Iterator[Reading]:
    for name, unit in series.units.items():
        yield from readings_in(name, unit, sample.get(name))


def _device_names(series: SampleSeries) -> dict[str, str]:
    """By index: the UUID, which survives a restart, or else the product's name."""
    return {str(index): device.uuid or device.name for index, device in enumerate(series.devices)}
