"""What was sampled beside the trace: host, GPUs and the server's own metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from diag.model.availability import Unavailable


@dataclass(frozen=True, slots=True)
class SampledDevice:
    """A GPU as its sampler names it; the position in ``SampleSeries.devices`` is its index.

    Attributes:
        name: Product name.
        uuid: Of the GPU or MIG slice, "" if unknown.
        is_mig: Whether MIG mode is on, in which utilization of the whole GPU is not given.
    """

    name: str
    uuid: str = ""
    is_mig: bool = False

    @property
    def is_slice(self) -> bool:
        """Whether it is a MIG slice, by its name: a slice's is its own, or its GPU's and a number.

        NVML names slices ``MIG-...`` (nvmlDeviceGetUUID); those of an exporter get their number.
        """
        return self.is_mig and (self.uuid.startswith("MIG-") or "/" in self.uuid)


@dataclass(frozen=True, slots=True)
class SamplerCost:
    """What sampling cost the machine it ran on.

    Attributes:
        readings: How often everything was read.
        cpu_ns: CPU time of the sampler's thread.
        elapsed_ns: Over which it was spent.
    """

    readings: int
    cpu_ns: int
    elapsed_ns: int


NOT_MEASURED = Unavailable("not measured")


@dataclass(frozen=True, slots=True)
class SampleSeries:
    """Samples of one source over the capture's window.

    Attributes:
        source: ``host``, ``gpu`` (NVML) or ``dcgm``.
        period_ns: The intended distance of two samples.
        units: Unit by field name, e.g. ``{"cpu_percent": "%"}``; a field with a list holds one
            value a core or a device: ``null`` for a device that does not give it.
        samples: In order of time, each a dict with ``unix_ns`` (wall clock of the machine that
            ``taken_by`` names) and some of the fields of ``units``; a field that could not be read
            is absent and named in ``missing``.
        missing: Reason by field name (or ``device:field``) for what could not be read.
        devices: Of ``gpu`` and ``dcgm``; lists in the samples have their order.
        taken_by: ``diag`` on the machine of the capture, or the address of an agent or exporter.
        cost: Unavailable where it was not measured.
    """

    source: str
    period_ns: int
    units: dict[str, str]
    samples: tuple[dict[str, Any], ...]
    missing: dict[str, str] = field(default_factory=dict)
    devices: tuple[SampledDevice, ...] = ()
    taken_by: str = "diag"
    cost: SamplerCost | Unavailable = NOT_MEASURED


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
