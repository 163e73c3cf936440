"""Report: every number and sentence that any renderer shows, and the JSON that is published.

Field names are the JSON keys; the unit is the last word. A value that could not be known is
``{"reason": …}``. Wall-clock nanoseconds exceed 2^53 and are therefore decimal strings.
"""

from typing import Literal

from diag.model.availability import Unavailable
from diag.report.aside_parts import MetricsPart, ObserverPart, SeriesPart
from diag.report.device_parts import (
    AgreementPart,
    DeviceClockPart,
    DeviceCostPart,
    DeviceLossPart,
    DevicePart,
    KernelPart,
)
from diag.report.gap_parts import TimelinePart
from diag.report.part import Part

SCHEMA_VERSION: Literal["1"] = "1"


class CaveatPart(Part, frozen=True):
    """Something that limits what the numbers mean.

    Attributes:
        code: Permanent.
        text: What is limited, and why.
        advice: What to do about it; "" for nothing.
    """

    code: str
    text: str
    advice: str


class EvidencePart(Part, frozen=True):
    """One number the verdict rests on."""

    label: str
    value: float | Unavailable
    unit: str
    ref: str


class VerdictPart(Part, frozen=True):
    """The one sentence, and what is behind it."""

    cause: str
    sentence: str
    knob: str
    verify: str
    confidence: str
    evidence: tuple[EvidencePart, ...]


class CaptureFacts(Part, frozen=True):
    """What was recorded and how much of it could be used.

    Attributes:
        start_utc: ISO 8601, to the millisecond.
        start_unix_ns: The window's start; a decimal string.
        requests: Whole requests seen; unavailable where the tracer level records none.
        complete_requests: Of these, with a whole chain; all statistics are over these.
        censored_requests: Cut by an edge of the window, counted and left out.
        refused_requests: Turned away by the batching queue.
    """

    source: str
    start_utc: str | Unavailable
    start_unix_ns: str | Unavailable
    window_ns: int
    tracer_level: int | Unavailable
    server_models: tuple[str, ...] | Unavailable
    events: int
    requests: int | Unavailable
    complete_requests: int | Unavailable
    censored_requests: int
    refused_requests: int
    split_requests: int
    ambiguous_links: int
    batches: int
    censored_batches: int
    rows_without_request: int


class Spread(Part, frozen=True):
    """Mean and percentiles over ``n`` durations; none where ``n`` is too small."""

    n: int
    mean_ns: float | Unavailable
    p50_ns: int | Unavailable
    p90_ns: int | Unavailable
    p99_ns: int | Unavailable


class StagePart(Part, frozen=True):
    """One stage of a model's requests.

    Attributes:
        known: False where no evidence bounds the stage; its numbers then mean nothing.
        share: Of all request time of the model, 0 to 1.
        tail_ns: Its part in what the slowest requests take longer than the median ones.
    """

    stage: str
    known: bool
    share: float
    time: Spread
    tail_ns: float | Unavailable


class GroupPart(Part, frozen=True):
    """Stages that a summary shows as one; its numbers are the sums of theirs."""

    group: str
    known: bool
    share: float
    mean_ns: float | Unavailable
    tail_ns: float | Unavailable
    stages: tuple[StagePart, ...]


class ModelPart(Part, frozen=True):
    """The ledger of one model: where the time of its requests went.

    Attributes:
        tail_ns: Mean of the slowest 1 % minus mean of the middle 10 %; the stages' add up to it.
    """

    model: str
    modes: tuple[str, ...]
    requests: int
    rate_per_second: float
    latency: Spread
    tail_ns: float | Unavailable
    groups: tuple[GroupPart, ...]


class OpPart(Part, frozen=True):
    """One op type on the host over the window; ``total_ns`` may overlap across threads."""

    op: str
    is_preprocess: bool
    events: int
    total_ns: int


class PoolPart(Part, frozen=True):
    """Closures handed to a thread pool of the runtime, and their wait for one of its threads."""

    pool: str
    wait: Spread


class ParameterPart(Part, frozen=True):
    """A batching parameter, and how it is known.

    Attributes:
        origin: ``file``, ``metrics`` or ``estimated``; "" where the value is unavailable.
    """

    parameter: str
    value: int | Unavailable
    unit: str
    origin: str


class QueuePart(Part, frozen=True):
    """The batches of one scheduler queue.

    Attributes:
        fill_ratio: Mean rows over max_batch_size, 0 to 1.
        padding_ratio: Padding rows over executed rows, 0 to 1.
        closed_by: Number of batches by reason.
        service: From dequeue to the end of the batch callback.
    """

    queue: str
    model: str
    batches: int
    rows_mean: float | Unavailable
    fill_ratio: float | Unavailable
    padding_ratio: float | Unavailable
    closed_by: dict[str, int]
    service: Spread
    parameters: tuple[ParameterPart, ...]


class Report(Part, frozen=True):
    """One capture, explained.

    Attributes:
        limits: What this report cannot know, in a sentence each; shown before all else. The caveat
            of the same code may say more.
        kernels: Those with most time, first.
        device_ops: The ops whose kernels, copies and memsets took most time, first.
        agreements: One a device and a sampled source.
    """

    schema_version: Literal["1"]
    diag_version: str
    limits: tuple[CaveatPart, ...]
    verdict: VerdictPart
    caveats: tuple[CaveatPart, ...]
    capture: CaptureFacts
    devices: tuple[DevicePart, ...]
    device_loss: DeviceLossPart
    device_clock: DeviceClockPart
    agreements: tuple[AgreementPart, ...]
    models: tuple[ModelPart, ...]
    device_costs: tuple[DeviceCostPart, ...]
    kernels: tuple[KernelPart, ...]
    device_ops: tuple[KernelPart, ...]
    ops: tuple[OpPart, ...]
    pools: tuple[PoolPart, ...]
    queues: tuple[QueuePart, ...]
    timelines: tuple[TimelinePart, ...]
    series: tuple[SeriesPart, ...]
    metrics: tuple[MetricsPart, ...] | Unavailable
    observer: tuple[ObserverPart, ...] | Unavailable
