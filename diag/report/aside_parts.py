"""Parts of a report about what was measured beside the trace."""

from diag.model.availability import Unavailable
from diag.report.part import Part


class SampleFieldPart(Part, frozen=True):
    """One sampled quantity over the window; of a list, over all its elements.

    Attributes:
        increase: Of a counter, from the first sample to the last; it has no mean and no max.
    """

    field: str
    unit: str
    mean: float | Unavailable
    max: float | Unavailable
    increase: float | Unavailable


class ClockLimitPart(Part, frozen=True):
    """Why a GPU's clocks were held down, and in which share of the samples."""

    reason: str
    share: float


class SampledDevicePart(Part, frozen=True):
    """One GPU as its sampler sees it.

    Attributes:
        index: Its place in the lists of the samples.
        uuid: Of the GPU or MIG slice, "" if unknown.
        is_mig: Whether MIG mode is on.
        clock_limits: Unavailable where they were not sampled.
    """

    index: int
    name: str
    uuid: str
    is_mig: bool
    fields: tuple[SampleFieldPart, ...]
    clock_limits: tuple[ClockLimitPart, ...] | Unavailable


class SamplerCostPart(Part, frozen=True):
    """What the sampling itself cost, where that was measured; ``cpu_share`` is of one core."""

    readings: int | Unavailable
    cpu_ns: int | Unavailable
    elapsed_ns: int | Unavailable
    cpu_share: float | Unavailable


class SeriesPart(Part, frozen=True):
    """What one source (``host``, ``gpu``, ``dcgm``) sampled, or why it has nothing.

    Attributes:
        taken_by: ``diag``, or the address of who sampled elsewhere; unavailable without samples.
        missing: Reason by field, or by ``device:field``.
    """

    source: str
    samples: int
    period_ns: int | Unavailable
    taken_by: str | Unavailable
    cost: SamplerCostPart
    fields: tuple[SampleFieldPart, ...] | Unavailable
    devices: tuple[SampledDevicePart, ...]
    missing: dict[str, str]


class MetricsPart(Part, frozen=True):
    """The server's own counters of one model, between the two scrapes around the window.

    Attributes:
        responses: Answers by status.
        request_latency_mean_ns: From the handler's start to its end, answered OK only.
        runtime_latency_mean_ns: Session::Run, with the batching queue.
        outside_mean_ns: Their difference: parsing, decoding and encoding, which no trace shows.
    """

    model: str
    responses: dict[str, int]
    request_latency_mean_ns: float | Unavailable
    runtime_latency_mean_ns: float | Unavailable
    outside_mean_ns: float | Unavailable


class ObserverPart(Part, frozen=True):
    """A figure that a load generator measured around the capture, by its own clock.

    Attributes:
        phase: ``before``, ``during`` or ``after`` the capture.
        measure: What was measured, e.g. ``p99`` of the latency.
    """

    phase: str
    measure: str
    value: float | Unavailable
    unit: str
