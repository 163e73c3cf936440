"""Every threshold of the alerts, with its unit, its reason and its source."""

from __future__ import annotations

from dataclasses import dataclass

from diag.findings import thresholds
from diag.model.quantity import duration, percent


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold.

    Attributes:
        value: As the alert's expression compares it.
        unit: Of the value.
        reason: Why this value.
    """

    value: float
    unit: str
    reason: str

    def __str__(self) -> str:
        """As PromQL writes it."""
        return f"{self.value:g}"

    @property
    def text(self) -> str:
        """As people write it."""
        if self.unit == "ratio":
            return percent(self.value)
        return duration(self.value * 1e9) if self.unit == "s" else f"{self} {self.unit}"


# The upper limit of a bucket of request_latency (10 * 1.8^18 us, tensorflow/serving 9d981c5c): more
# than 1 % of the answers are in later buckets, or not, so that interpolation decides nothing.
P99 = Limit(
    0.393464, "s", "a default without evidence: set it to your objective, best a bucket's limit"
)
QUEUE_SHARE = Limit(
    thresholds.CRITICAL_MIN_SHARE, "ratio", "most of what a request takes in the runtime"
)
EMPTY_SHARE = Limit(
    thresholds.STAGE_MIN_SHARE, "ratio", "below it, waiting in the queue is not the main cost"
)
QUEUE_WAIT = Limit(
    thresholds.OUTSIDE_MIN_NS / 1e9,
    "s",
    "batch threads poll every 1 ms: a shorter wait cannot be reduced",
)
ROWS_PER_BATCH = Limit(
    thresholds.INEFFECTIVE_MAX_REQUESTS, "rows", "at least four batches of five hold a single row"
)
FILL = Limit(0.25, "ratio", "a batch could take four times as many rows")
REFUSED_SHARE = Limit(
    thresholds.FAILED_MIN_RATIO, "ratio", "at 1 % errors, the p99 that clients see is an error"
)
FAILED_SHARE = REFUSED_SHARE
GPU_BUSY = Limit(
    1 - thresholds.NO_DEMAND_MIN_IDLE_RATIO, "ratio", "the GPU is idle most of the time"
)
OPEN_REQUESTS = Limit(1, "requests", "on average at least one request is open")
THROTTLED = Limit(
    thresholds.MACHINE_MIN_RATIO, "ratio", "ten times the 1 % of requests that sets p99"
)
CLOCK_LIMITED = Limit(
    thresholds.CLOCK_LIMITED_MIN_SHARE, "ratio", "below it, few kernels are slower"
)

# requests and batches in a window. Fewer say nothing of a share or a percentile.
P99_MIN_REQUESTS = thresholds.MANY_REQUESTS
FAILED_MIN_REQUESTS = thresholds.FAILED_MIN_REQUESTS
MIN_BATCHES = thresholds.FEW_REQUESTS
