"""The server's own counters: answers by status, and request time that the trace does not cover."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from diag.analysis.thresholds import (
    COUNTS_MAX_DIFFERENCE,
    COUNTS_MAX_DIFFERENCE_RATIO,
    METRIC_MAX_ERROR_RATIO,
)
from diag.formats.text.serving_metrics import (
    LATENCY_COUNT,
    MODEL_LABEL,
    NOT_ON_PAGE,
    REQUEST_COUNT,
    REQUEST_LATENCY,
    RUNTIME_LATENCY,
    counters,
    is_inference,
)
from diag.model.availability import Unavailable
from diag.model.quantity import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.capture import Capture
    from diag.model.samples import MetricSample, MetricsPair

_NS_PER_US = 1000
_LATENCIES = (REQUEST_LATENCY, RUNTIME_LATENCY)
_WANTED = frozenset(
    {REQUEST_COUNT, *(f"{n}_{part}" for n in _LATENCIES for part in ("sum", "count"))}
)
_RESTARTED = Unavailable("the counters went backwards: the server restarted between the scrapes")
_NO_ANSWER = Unavailable("no answer was counted between the scrapes")
_FOREIGN = Unavailable("the metrics page has neither request_count nor request_latency")


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """One model between the two scrapes, which enclose the window and can be longer than it.

    Attributes:
        model: Its name in the metrics.
        responses: Answers of inferences by canonical status name; only statuses whose count grew.
        request_latency_mean_ns: From the handler's start to its end, over OK answers.
        runtime_latency_mean_ns: Session::Run, with the time in the batching queue.
        outside_mean_ns: The first minus the second: parsing, tensor decoding and encoding, which
            no trace event covers. It is a mean over answers: do not add it to a request's stages.
        probes: Status and metadata requests that were answered OK; no part of ``responses``.
        hidden_step_ns: The page prints sums of latencies in steps of this size, which is too coarse
            for the mean of the added answers; 0 where it is not.
        other_runs: Runs that were counted beyond the answers, such as those of a warm-up; 0 where
            the two agree.
    """

    model: str
    responses: dict[str, int] | Unavailable = field(hash=False)
    request_latency_mean_ns: float | Unavailable
    runtime_latency_mean_ns: float | Unavailable
    outside_mean_ns: float | Unavailable
    probes: int = 0
    hidden_step_ns: float = 0.0
    other_runs: int = 0


class _Mean(NamedTuple):
    """A mean over the answers between the scrapes.

    Attributes:
        ns: The mean.
        error_ns: It may be wrong by this much at most, as the page's numbers have six digits.
        step_ns: The largest step between two numbers that the page can show, of a sum.
        answers: Number of answers.
    """

    ns: float
    error_ns: float
    step_ns: float
    answers: int


def model_metrics(capture: Capture) -> tuple[ModelMetrics, ...] | Unavailable:
    """Summarize the capture's metrics, or say why it has none.

    A page that neither has nor declares the server's counters says nothing of requests; one that
    declares them without a value has counted none.
    """
    if isinstance(capture.metrics, Unavailable):
        return capture.metrics
    models = summarize_metrics(capture.metrics)
    is_declared = bool(capture.metrics.declared & {REQUEST_COUNT, REQUEST_LATENCY})
    return models if models or is_declared else _FOREIGN


def summarize_metrics(pair: MetricsPair) -> tuple[ModelMetrics, ...]:
    """Summarize each model with counted requests or latencies, by name."""
    before, after = _by_model(pair.before), _by_model(pair.after)
    has_counts = REQUEST_COUNT in pair.declared or any(
        sample.name == REQUEST_COUNT for samples in after.values() for sample in samples
    )
    return tuple(
        _summarize(model, before[model], after[model], has_counts=has_counts)
        for model in sorted(after)
    )


def _by_model(samples: tuple[MetricSample, ...]) -> dict[str, list[MetricSample]]:
    found: dict[str, list[MetricSample]] = defaultdict(list)
    for sample in counters(samples).values():
        if sample.name in _WANTED:
            found[dict(sample.labels).get(MODEL_LABEL, "")].append(sample)
    return found


def _summarize(
    model: str, before: list[MetricSample], after: list[MetricSample], *, has_counts: bool
) -> ModelMetrics:
    probes = _probes(after) - _probes(before)
    request, runtime = (_mean(name, before, after) for name in _LATENCIES)
    hidden_step_ns, other_runs = 0.0, 0
    if not isinstance(request, Unavailable) and _is_hidden(request):
        hidden_step_ns = request.step_ns
    if not isinstance(request, Unavailable) and not isinstance(runtime, Unavailable):
        if isinstance(_of_same_answers(request, runtime), Unavailable):
            other_runs = max(0, runtime.answers - request.answers)
        runtime = _of_same_answers(request, runtime)
    return ModelMetrics(
        model=model,
        responses=_responses(before, after, probes) if has_counts else NOT_ON_PAGE,
        request_latency_mean_ns=_known(request),
        runtime_latency_mean_ns=_known(runtime),
        outside_mean_ns=_difference_ns(request, runtime),
        probes=max(0, probes),
        hidden_step_ns=hidden_step_ns,
        other_runs=other_runs,
    )


def _probes(samples: list[MetricSample]) -> int:
    found = (each for each in samples if each.name == LATENCY_COUNT and not is_inference(each))
    return round(sum(each.value for each in found))


def _responses(
    before: list[MetricSample], after: list[MetricSample], probes: int
) -> dict[str, int] | Unavailable:
    """Answers by status that were added, without probes, which are counted among those OK."""
    counts: Counter[str] = Counter()
    for sign, samples in ((1, after), (-1, before)):
        for sample in samples:
            if sample.name == REQUEST_COUNT:
                counts[dict(sample.labels).get("status", "")] += sign * round(sample.value)
    if probes < 0 or min(counts.values(), default=0) < 0:
        return _RESTARTED
    counts["OK"] -= probes
    return {status: n for status, n in sorted(counts.items()) if n > 0}


def _mean(name: str, before: list[MetricSample], after: list[MetricSample]) -> _Mean | Unavailable:
    """Mean of a histogram in µs over the inferences that were added between the scrapes."""
    added_us = error_us = step_us = 0.0
    count = 0
    for sign, samples in ((1, after), (-1, before)):
        for sample in _inferences(samples, name):
            if sample.name == f"{name}_count":
                count += sign * round(sample.value)
            else:
                added_us += sign * sample.value
                error_us += sample.step / 2
                step_us = max(step_us, sample.step)
    if count < 0 or added_us < -error_us:
        return _RESTARTED
    if count == 0:
        return _NO_ANSWER
    to_ns = _NS_PER_US / count
    return _Mean(max(0.0, added_us) * to_ns, error_us * to_ns, step_us * _NS_PER_US, count)


def _inferences(samples: list[MetricSample], name: str) -> Iterator[MetricSample]:
    names = (f"{name}_sum", f"{name}_count")
    return (each for each in samples if each.name in names and is_inference(each))


def _of_same_answers(request: _Mean, runtime: _Mean) -> _Mean | Unavailable:
    """The runs, if they are those of the answers: runs of a warm-up are counted only here."""
    slack = max(COUNTS_MAX_DIFFERENCE, COUNTS_MAX_DIFFERENCE_RATIO * request.answers)
    if abs(runtime.answers - request.answers) <= slack:
        return runtime
    return Unavailable(
        f"{runtime.answers:,} runs were counted for {request.answers:,} answers: others, such as "
        "those of a warm-up, are among them"
    )


def _known(mean: _Mean | Unavailable) -> float | Unavailable:
    """The mean, unless the page's digits hide too much of it."""
    if isinstance(mean, Unavailable):
        return mean
    return _hidden(mean) if _is_hidden(mean) else mean.ns


def _is_hidden(mean: _Mean) -> bool:
    return mean.error_ns > METRIC_MAX_ERROR_RATIO * mean.ns


def _hidden(mean: _Mean) -> Unavailable:
    return Unavailable(
        f"the metrics page prints sums in steps of {duration(mean.step_ns)}, which is too coarse "
        f"for {mean.answers:,} answers"
    )


def _difference_ns(
    request: _Mean | Unavailable, runtime: _Mean | Unavailable
) -> float | Unavailable:
    if isinstance(request, Unavailable):
        return request
    if isinstance(runtime, Unavailable):
        return runtime
    difference_ns = request.ns - runtime.ns
    error_ns = request.error_ns + runtime.error_ns
    if error_ns > METRIC_MAX_ERROR_RATIO * abs(difference_ns):
        return _hidden(request)
    if difference_ns < 0:
        return Unavailable("the counted runs are not those of the counted answers")
    return difference_ns
