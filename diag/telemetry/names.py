"""Names of the formats for monitoring systems; importing them loads no NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TelemetryFormat:
    """A text format of monitoring systems.

    Attributes:
        name: As in ``--to``.
        read_by: What reads a file of it.
    """

    name: str
    read_by: str


METRIC_FORMATS: Final = {
    each.name: each
    for each in (
        TelemetryFormat("prometheus", "node_exporter's textfile collector and the Pushgateway"),
        TelemetryFormat("openmetrics", "promtool tsdb create-blocks-from openmetrics"),
    )
}
SPAN_FORMATS: Final = {
    each.name: each
    for each in (TelemetryFormat("otlp", "the OpenTelemetry Collector's otlpjsonfile receiver"),)
}
