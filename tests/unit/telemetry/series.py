"""The series of a metrics page, read back by the strict parsers of prometheus_client."""

from __future__ import annotations

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.samples import Sample

Series = dict[tuple[str, tuple[tuple[str, str], ...]], Sample]


def series_in(page: bytes, format_: str) -> Series:
    """Samples by name and sorted labels; a duplicate fails."""
    read = openmetrics if format_ == "openmetrics" else parser
    found: Series = {}
    for family in read.text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample
    return found


def value_of(found: Series, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))].value
