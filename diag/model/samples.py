"""What was recorded besides the trace: samples of host and GPUs, and the server's metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from diag.model.availability import Unavailable


@dataclass(frozen=True, slots=True)
class SampledDevice:
    """A GPU as its sampler names it; the position in ``SampleSeries.devices`` is its index.

    Attributes:
        name: Product name.
        uuid: UUID of the GPU or MIG slice, "" if unknown.
        is_mig: Whether MIG mode is on; NVML then gives no utilization of the whole GPU.
    """

    name: str
    uuid: str = ""
    is_mig: bool = False

    @property
    def is_slice(self) -> bool:
        """Whether this is a MIG slice, judged by its UUID.

        NVML names slices ``MIG-...`` (nvmlDeviceGetUUID); slices of an exporter have the UUID of
        their GPU, a slash and a number.
        """
        return self.is_mig and (self.uuid.startswith("MIG-") or "/" in self.uuid)


@dataclass(frozen=True, slots=True)
class SamplerCost:
    """What sampling cost the machine it ran on.

    Attributes:
        readings: Number of complete readings.
        cpu_ns: CPU time of the sampler's thread, ns.
        elapsed_ns: Time from its first to its last reading, ns.
    """

    readings: int
    cpu_ns: int
    elapsed_ns: int


NOT_MEASURED = Unavailable("not measured")


@dataclass(frozen=True, slots=True)
class SampleSeries:
    """Samples of one source over the capture's window.

    Attributes:
        source: ``host``, ``gpu`` (NVML), ``dcgm`` or ``probe`` (status calls).
        period_ns: Intended time between two samples, ns.
        units: Unit by field name, such as ``{"cpu_percent": "%"}``. A field may hold a list with
            one value per core or device, None for a device that does not give it.
        samples: In order of time, each a dict with ``unix_ns`` (wall clock of the machine that
            ``taken_by`` names) and some of the fields of ``units``. A field that could not be read
            is left out and named in ``missing``.
        missing: Reason by field name (or ``device:field``) for what could not be read.
        devices: The GPUs of ``gpu`` and ``dcgm``; lists in the samples have their order.
        taken_by: ``diag`` on the machine of the capture, or the address of an agent or exporter.
        cost: What the sampler cost; Unavailable where it was not measured.
    """

    source: str
    period_ns: int
    units: dict[str, str] = field(hash=False)
    samples: tuple[dict[str, Any], ...] = field(hash=False, repr=False)
    missing: dict[str, str] = field(default_factory=dict, hash=False)
    devices: tuple[SampledDevice, ...] = ()
    taken_by: str = "diag"
    cost: SamplerCost | Unavailable = NOT_MEASURED


@dataclass(frozen=True, slots=True)
class MetricSample:
    """One line of Prometheus text: name as exposed, labels, value.

    Attributes:
        step: The largest change of the value that the printed digits may hide; 0 if it is exact or
            not known. TensorFlow Serving prints the sum of a histogram with six digits.
    """

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float
    step: float = field(default=0.0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MetricsPair:
    """The server's metrics before and after the window, parsed; keys are exposition names.

    Attributes:
        declared: Names of metrics that the second page declares (``# TYPE``), with a value or not.
    """

    before: tuple[MetricSample, ...]
    after: tuple[MetricSample, ...]
    declared: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model version as ModelService reports it."""

    name: str
    version: int
    state: str


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Models, signatures and batching parameters of the server (diag/server.json).

    Attributes:
        models: Model versions with their state.
        signatures: Signature definitions by model name, as JSON.
        batching_parameters: Text of the server's batching_parameters_file.
    """

    models: tuple[ServedModel, ...] | Unavailable
    signatures: dict[str, Any] | Unavailable = field(hash=False, repr=False)
    batching_parameters: str | Unavailable
