"""TuningReport: everything that is shown of a tuning; the JSON is this model."""

from typing import Literal

from diag.model.availability import Unavailable
from diag.report.model import Section
from diag.report.parts import Part

TUNING_SCHEMA_VERSION: Literal["1"] = "1"
TUNING_SCHEMA_RESOURCE = f"schema/tuning-v{TUNING_SCHEMA_VERSION}.json"


class EstimatePart(Part, frozen=True):
    """A simulated number; ``low`` and ``high`` bound it in 95 % of resampled runs."""

    value: float | Unavailable
    low: float | Unavailable
    high: float | Unavailable


class EstimatesPart(Part, frozen=True):
    """Simulated numbers of one setting.

    Attributes:
        mean_ms: Mean latency of answered requests, ms; the percentiles likewise.
        rows_mean: Mean rows of a batch, before padding.
        throughput_per_s: Answered requests per second.
        refused_ratio: Refused requests over all, 0 to 1.
        batch_ms_per_request: Time of batches, each as if it ran alone, over answered requests, ms.
    """

    mean_ms: EstimatePart
    p50_ms: EstimatePart
    p90_ms: EstimatePart
    p99_ms: EstimatePart
    rows_mean: EstimatePart
    throughput_per_s: EstimatePart
    refused_ratio: EstimatePart
    batch_ms_per_request: EstimatePart


class NumbersPart(Part, frozen=True):
    """Numbers of one run; as of EstimatesPart."""

    mean_ms: float | Unavailable
    p50_ms: float | Unavailable
    p90_ms: float | Unavailable
    p99_ms: float | Unavailable
    rows_mean: float | Unavailable
    throughput_per_s: float | Unavailable
    refused_ratio: float | Unavailable
    batch_ms_per_request: float | Unavailable


class MissPart(Part, frozen=True):
    """A metric whose simulated value is off by ``error``, relative to the measured one."""

    metric: str
    error: float


class SelfCheckPart(Part, frozen=True):
    """Whether the simulation of today's settings fits.

    Attributes:
        ok: Whether all checked metrics do; only then is there a prediction.
        misses: The checked metrics that do not.
    """

    measured: NumbersPart
    simulated: NumbersPart
    ok: bool
    misses: tuple[MissPart, ...]


class SettingPart(Part, frozen=True):
    """One parameter of a queue or its threads, in force and as tried; lists as text."""

    name: str
    queue: int
    now: int | str
    to: int | str


class TuningReport(Part, frozen=True):
    """A load, a server and a proposal.

    Attributes:
        sentence: The answer in words.
        clients: Clients of a closed loop; 0 for an open loop.
        rate: Factor on the load of the prediction.
        prediction: All values are Unavailable where the self-check fails.
        objective: What was searched for; "" where parameters were given.
        headroom_today_per_s: Most requests per second within the limits, today's settings.
        headroom_per_s: The same with the proposal.
        extrapolated_rows: The largest batch of the prediction, where none so large was recorded;
            else 0.
    """

    schema_version: Literal["1"]
    diag_version: str
    title: str
    source: str
    sentence: str
    clients: int
    rate: float
    settings: tuple[SettingPart, ...]
    today: EstimatesPart
    prediction: EstimatesPart
    self_check: SelfCheckPart
    objective: str
    headroom_today_per_s: float | Unavailable
    headroom_per_s: float | Unavailable
    extrapolated_rows: int
    assumed: tuple[str, ...]
    sections: tuple[Section, ...]
