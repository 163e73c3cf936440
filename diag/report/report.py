"""Report: every number and sentence that any renderer shows, and the JSON that is published.

Field names are the JSON keys; the unit is the last word. A value that could not be known is
``{"reason": …}``. Wall-clock nanoseconds exceed 2^53 and are therefore decimal strings.
"""

from typing import Literal

import msgspec

from diag.model.availability import Caveat, Unavailable

SCHEMA_VERSION: Literal["1"] = "1"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all parts of a report are: frozen, and strict when read back."""


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


class GapPart(Part, frozen=True):
    """Idle time of one cause on one timeline.

    Attributes:
        starvation: Whether requests were in the server while nothing executed.
        pieces: Stretches of it.
        longest_ns: The longest of these.
    """

    cause: str
    starvation: bool
    pieces: int
    idle_ns: int
    longest_ns: int
    share_of_idle: float
    share_of_window: float


class TimelinePart(Part, frozen=True):
    """When one device, or the models' execution on the CPU, was busy; busy + idle = window."""

    timeline: str
    is_device: bool
    busy_ns: int
    idle_ns: int
    starved_ns: int
    no_demand_ns: int
    busy_share: float
    idle_share: float
    starved_share: float
    no_demand_share: float
    gaps: tuple[GapPart, ...]


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


class SeriesPart(Part, frozen=True):
    """What one source (``host``, ``gpu``) sampled beside the trace, or why it has nothing."""

    source: str
    samples: int
    period_ns: int | Unavailable
    fields: tuple[SampleFieldPart, ...] | Unavailable
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


class Report(Part, frozen=True):
    """One capture, explained."""

    schema_version: Literal["1"]
    diag_version: str
    verdict: VerdictPart
    caveats: tuple[Caveat, ...]
    capture: CaptureFacts
    models: tuple[ModelPart, ...]
    ops: tuple[OpPart, ...]
    pools: tuple[PoolPart, ...]
    queues: tuple[QueuePart, ...]
    timelines: tuple[TimelinePart, ...]
    series: tuple[SeriesPart, ...]
    metrics: tuple[MetricsPart, ...] | Unavailable
    observer: tuple[ObserverPart, ...] | Unavailable
