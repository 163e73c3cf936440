"""The server's own counters: answers by status, and request time that the trace does not cover."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.model.capture import Capture
    from diag.model.samples import MetricSample, MetricsPair

# Source: tensorflow_serving/servables/tensorflow/util.cc and prometheus_exporter.cc (tensorflow/
# serving 9d981c5c): ``/tensorflow/serving/x`` is exposed as ``:tensorflow:serving:x``.
_PREFIX = ":tensorflow:serving:"
REQUEST_COUNT = f"{_PREFIX}request_count"
REQUEST_LATENCY = f"{_PREFIX}request_latency"
RUNTIME_LATENCY = f"{_PREFIX}runtime_latency"
_NS_PER_US = 1000


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """One model between the two scrapes, which enclose the window and can be longer than it.

    Attributes:
        model: Its name in the metrics.
        responses: Answers by canonical status name; only statuses whose count grew.
        request_latency_mean_ns: From the handler's start to its end, over OK answers.
        runtime_latency_mean_ns: Session::Run, with the time in the batching queue.
        outside_mean_ns: The first minus the second: parsing, tensor decoding and encoding, which
            no trace event covers. It is a mean over answers: do not add it to a request's stages.
    """

    model: str
    responses: dict[str, int] = field(hash=False)
    request_latency_mean_ns: float | Unavailable
    runtime_latency_mean_ns: float | Unavailable
    outside_mean_ns: float | Unavailable


def model_metrics(capture: Capture) -> tuple[ModelMetrics, ...] | Unavailable:
    """Summarize the capture's metrics, or say why it has none."""
    if isinstance(capture.metrics, Unavailable):
        return capture.metrics
    return summarize_metrics(capture.metrics)


def summarize_metrics(pair: MetricsPair) -> tuple[ModelMetrics, ...]:
    """Summarize each model with counted requests or latencies, by name."""
    before, after = _sums(pair.before), _sums(pair.after)
    models = sorted({model for _, model, _ in after})
    return tuple(_summarize_model(model, before, after) for model in models)


# (sample name, model, status) -> value summed over all other labels
_Sums = dict[tuple[str, str, str], float]


def _sums(samples: tuple[MetricSample, ...]) -> _Sums:
    wanted = {
        REQUEST_COUNT,
        *(f"{name}_{part}" for name in (REQUEST_LATENCY, RUNTIME_LATENCY) for part in _PARTS),
    }
    sums: _Sums = {}
    for sample in samples:
        if sample.name in wanted:
            labels = dict(sample.labels)
            key = (sample.name, labels.get("model_name", ""), labels.get("status", ""))
            sums[key] = sums.get(key, 0.0) + sample.value
    return sums


_PARTS = ("sum", "count")


def _summarize_model(model: str, before: _Sums, after: _Sums) -> ModelMetrics:
    def delta(name: str, status: str = "") -> float:
        key = (name, model, status)
        return after.get(key, 0.0) - before.get(key, 0.0)

    statuses = sorted(status for name, m, status in after if name == REQUEST_COUNT and m == model)
    responses = {status: round(delta(REQUEST_COUNT, status)) for status in statuses}
    request_ns = _mean_ns(delta, REQUEST_LATENCY)
    runtime_ns = _mean_ns(delta, RUNTIME_LATENCY)
    return ModelMetrics(
        model=model,
        responses={status: count for status, count in responses.items() if count > 0},
        request_latency_mean_ns=request_ns,
        runtime_latency_mean_ns=runtime_ns,
        outside_mean_ns=_difference_ns(request_ns, runtime_ns),
    )


def _mean_ns(delta: Callable[[str], float], name: str) -> float | Unavailable:
    """Mean of a histogram in µs over what was added between the scrapes."""
    count = delta(f"{name}_count")
    if count < 0:
        return Unavailable("the counters went backwards: the server restarted between the scrapes")
    if count == 0:
        return Unavailable("no answer was counted between the scrapes")
    return delta(f"{name}_sum") / count * _NS_PER_US


def _difference_ns(
    request_ns: float | Unavailable, runtime_ns: float | Unavailable
) -> float | Unavailable:
    if isinstance(request_ns, Unavailable):
        return request_ns
    if isinstance(runtime_ns, Unavailable):
        return runtime_ns
    if runtime_ns > request_ns:
        return Unavailable("the counted runs are not those of the counted answers")
    return request_ns - runtime_ns
