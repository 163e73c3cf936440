"""What was sampled beside the trace: host, GPUs and the server's own metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from diag.model.availability import Unavailable


@dataclass(frozen=True, slots=True)
class SampleSeries:
    """Samples of one source over the capture's window.

    Attributes:
        source: ``host`` or ``gpu``.
        period_ns: The intended distance of two samples.
        units: Unit by field name, e.g. ``{"cpu_percent": "%"}``; a field with a list holds one
            value a core, a device or a process.
        samples: Each a dict with ``unix_ns`` (the sampler's wall clock) and the fields of
            ``units``; a field that could not be read is absent and named in ``missing``.
        missing: Reason by field name (or ``device:field``) for what could not be read.
    """

    source: str
    period_ns: int
    units: dict[str, str]
    samples: tuple[dict[str, Any], ...]
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricSample:
    """One line of Prometheus text: name as exposed, labels, value."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True, slots=True)
class MetricsPair:
    """The server's metrics before and after the window, parsed; keys are exposition names."""

    before: tuple[MetricSample, ...]
    after: tuple[MetricSample, ...]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model version as ModelService reports it."""

    name: str
    version: int
    state: str


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server says about itself (diag/server.json)."""

    models: tuple[ServedModel, ...] | Unavailable
    signatures: dict[str, Any] | Unavailable
    batching_parameters: str | Unavailable
