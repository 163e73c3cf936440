"""Differences of counters and histograms between two scrapes of a page.

Names: tensorflow_serving/servables/tensorflow/util.cc, batching/batching_session.cc,
model_servers/http_server.cc (tensorflow/serving 9d981c5c); batching_util/batch_resource_base.cc
(TensorFlow 2.21).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from diag.formats.text.serving_metrics import counters, is_inference
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from diag.model.samples import MetricSample

RESTARTED = Unavailable("it went backwards: the server restarted between the scrapes")
NOT_THERE = Unavailable("the page has no such metric")
NOTHING_ADDED = Unavailable("nothing was added between the scrapes")

# ratio of what a sum gained. Where the page's digits hide more of it, the mean is not known.
SUM_MAX_ERROR = 0.1


@dataclass(frozen=True, slots=True)
class Bounds:
    """A percentile as buckets show it: it lies at ``low`` or above, and below ``high``."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Added:
    """What a histogram gained between two scrapes.

    Attributes:
        count: Of values.
        total: Sum of the values, in the metric's unit.
        limits: Upper limits of the buckets, ascending, the last is infinite; empty without any.
        counts: Values in each bucket.
        error: The total may be wrong by this much, as the page prints six digits.
    """

    count: int
    total: float
    limits: tuple[float, ...]
    counts: tuple[int, ...]
    error: float = 0.0

    @property
    def mean(self) -> float | Unavailable:
        """Unavailable where the page's digits hide more than a tenth of it."""
        if not self.count:
            return NOTHING_ADDED
        if self.error > SUM_MAX_ERROR * self.total:
            return Unavailable("the page prints too few digits of the sum")
        return self.total / self.count

    def percentile(self, ratio: float) -> Bounds | Unavailable:
        """The bucket in which the value of that rank lies (nearest rank)."""
        if not self.count or not self.limits:
            return NOTHING_ADDED
        rank = max(1, -(-self.count * ratio // 1))
        reached = 0
        for number, count in enumerate(self.counts):
            reached += count
            if reached >= rank:
                low = self.limits[number - 1] if number else 0.0
                return Bounds(low, self.limits[number])
        return NOTHING_ADDED


class Difference:
    """Two scrapes of one page."""

    def __init__(
        self,
        before: Iterable[MetricSample],
        after: Iterable[MetricSample],
        seconds: float | Unavailable,
    ) -> None:
        self.seconds = seconds
        self._before = counters(before)
        self._after = counters(after)
        self.names = frozenset(name for name, _ in self._after)

    def rate(self, grown: float) -> float | Unavailable:
        """A growth a second."""
        return self.seconds if isinstance(self.seconds, Unavailable) else grown / self.seconds

    def labels(self, name: str, label: str) -> tuple[str, ...]:
        """Values of a label of a metric, sorted."""
        found = {dict(labels).get(label, "") for other, labels in self._after if other == name}
        return tuple(sorted(found))

    def counter(self, name: str, **labels: str) -> float | Unavailable:
        """By how much the counters with these labels grew together."""
        return self._sum(name, lambda sample: _has(sample, labels))

    def histogram(
        self, name: str, *, inferences_only: bool = False, **labels: str
    ) -> Added | Unavailable:
        """What the histograms with these labels gained together."""

        def wanted(sample: MetricSample) -> bool:
            return _has(sample, labels) and (not inferences_only or is_inference(sample))

        count = self._sum(f"{name}_count", wanted)
        total = self._sum(f"{name}_sum", wanted)
        if isinstance(count, Unavailable):
            return count
        if isinstance(total, Unavailable):
            total = 0.0  # with rounding, a sum may seem to fall
        limits, counts = self._buckets(f"{name}_bucket", wanted)
        return Added(round(count), max(0.0, total), limits, counts, self._error(name, wanted))

    def _sum(self, name: str, wanted: Callable[[MetricSample], bool]) -> float | Unavailable:
        if name not in self.names:
            return NOT_THERE
        grown = 0.0
        for (other, labels), sample in self._after.items():
            if other != name or not wanted(sample):
                continue
            earlier = self._before.get((other, labels))
            step = sample.value - (earlier.value if earlier else 0.0)
            if step < -sample.step:
                return RESTARTED
            grown += max(0.0, step)
        return grown

    def _error(self, name: str, wanted: Callable[[MetricSample], bool]) -> float:
        return sum(
            sample.step
            for (other, _), sample in self._after.items()
            if other == f"{name}_sum" and wanted(sample)
        )

    def _buckets(
        self, name: str, wanted: Callable[[MetricSample], bool]
    ) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Limits and counts; the page's buckets are cumulative."""
        grown: dict[float, float] = defaultdict(float)
        for (other, labels), sample in self._after.items():
            if other != name or not wanted(sample):
                continue
            earlier = self._before.get((other, labels))
            limit = float(dict(sample.labels).get("le", "inf"))
            grown[limit] += sample.value - (earlier.value if earlier else 0.0)
        limits = tuple(sorted(grown))
        cumulative = [0.0, *(grown[limit] for limit in limits)]
        return limits, tuple(max(0, round(b - a)) for a, b in pairwise(cumulative))


def _has(sample: MetricSample, labels: dict[str, str]) -> bool:
    own = dict(sample.labels)
    return all(own.get(name, "") == value for name, value in labels.items())
