"""From two scrapes to requests, latency, queues and batches, per model, with their traps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.formats.text.serving_metrics import (
    MODEL_LABEL,
    REQUEST_COUNT,
    REQUEST_LATENCY,
    RUNTIME_LATENCY,
)
from diag.model.availability import Unavailable
from diag.monitoring.series import NOT_THERE, NOTHING_ADDED, Added, Bounds, Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from diag.model.samples import MetricSample

_SERVING = ":tensorflow:serving:"
QUEUEING = f"{_SERVING}batching_session:queuing_latency"
BATCHES = f"{_SERVING}batching_session:wrapped_run_count"
PROCESSED = f"{_SERVING}batching_session:processed_batch_size"
PADDING = f"{_SERVING}batching_session:padding_size"
_IN_GRAPH = f"{_SERVING}batching:"
IN_GRAPH_DELAY = f"{_IN_GRAPH}batch_delay_us_v2"
IN_GRAPH_BATCHES = f"{_IN_GRAPH}processed_batch_size_v2"
IN_GRAPH_ROWS = f"{_IN_GRAPH}input_batch_size_v2"
IN_GRAPH_PADDING = f"{_IN_GRAPH}padding_size_v2"
IN_GRAPH_MAX_BATCH_SIZE = f"{_IN_GRAPH}max_batch_size"
OK = "OK"
# Statuses of requests that the server refuses rather than serves: a full queue
# (shared_batch_scheduler.h, TensorFlow 2.21), and a deadline that passed in it
# (batching_session.cc, tensorflow/serving 9d981c5c). What gRPC refuses for lack of a thread has the
# latter status as well, and is counted nowhere.
REFUSED = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
# ratio. Counts of the same requests in two histograms may differ by this much between two scrapes;
# beyond it, some are counted in one of them alone.
SAME_COUNT = 1.02


@dataclass(frozen=True, slots=True)
class ModelLoad:
    """One model between two scrapes. Times are µs.

    Attributes:
        requests_per_s: All answers of inferences, with failures; probes are left out.
        by_status: Answers by status.
        refused_ratio: Share of UNAVAILABLE and RESOURCE_EXHAUSTED.
        request_mean: From the handler's begin to its end, of OK answers.
        request_p50: The bucket it lies in; buckets grow by 1.8.
        request_p99: Likewise.
        runtime_mean: Session::Run, with the time in the batching queue.
        outside_mean: The first mean minus the runtime's: decoding and encoding of tensors.
        by_api: Share of the OK answers by API and entry point.
        probes: OK answers to status and metadata requests, such as probes.
    """

    model: str
    requests_per_s: float | Unavailable
    by_status: dict[str, int] | Unavailable
    refused_ratio: float | Unavailable
    request_mean: float | Unavailable
    request_p50: Bounds | Unavailable
    request_p99: Bounds | Unavailable
    runtime_mean: float | Unavailable
    outside_mean: float | Unavailable
    by_api: dict[str, float]
    probes: int


@dataclass(frozen=True, slots=True)
class BatchingLoad:
    """Batches of all models together, as the page does not tell them apart. Times are µs.

    Attributes:
        queue_mean: From a task's arrival to the begin of its batch.
        queue_share: Of the time in Session::Run; Unavailable where large requests are split, as
            their parts count several times.
        batches_per_s: Batches that were run.
        requests_per_batch: OK and failed requests over batches.
        rows_mean: Rows of a batch, with padding.
        padding_share: Of the executed rows.
    """

    queue_mean: float | Unavailable
    queue_share: float | Unavailable
    batches_per_s: float | Unavailable
    requests_per_batch: float | Unavailable
    rows_mean: float | Unavailable
    padding_share: float | Unavailable


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """What a page says between two scrapes.

    Attributes:
        seconds: Between the scrapes.
        models: By name.
        batching: Of --enable_batching.
        traps: What the page's numbers do not say, one sentence each.
    """

    seconds: float | Unavailable
    models: tuple[ModelLoad, ...]
    batching: BatchingLoad
    traps: tuple[str, ...]


def read_load(
    before: Iterable[MetricSample], after: Iterable[MetricSample], seconds: float | Unavailable
) -> ServerLoad:
    """The series between two scrapes of one server's page.

    Args:
        before: Samples of the first scrape; empty for everything since the server's start.
        after: Of the second.
        seconds: Between them, more than 0; Unavailable gives no rates.

    Raises:
        ValueError: ``seconds`` is not positive.
    """
    if not isinstance(seconds, Unavailable) and not seconds > 0:
        raise ValueError("seconds must be more than 0")
    difference = Difference(before, after, seconds)
    names = {
        *difference.labels(REQUEST_COUNT, MODEL_LABEL),
        *difference.labels(f"{REQUEST_LATENCY}_count", MODEL_LABEL),
    }
    models = tuple(_model(difference, name) for name in sorted(names))
    return ServerLoad(seconds, models, _batching(difference), tuple(_traps(difference, models)))


def _model(difference: Difference, name: str) -> ModelLoad:
    by_status: dict[str, int] | Unavailable = {}
    if REQUEST_COUNT not in difference.names:
        by_status = NOT_THERE
    for status in difference.labels(REQUEST_COUNT, "status"):
        grown = difference.counter(REQUEST_COUNT, model_name=name, status=status)
        if isinstance(grown, Unavailable):
            by_status = grown
            break
        if round(grown) and isinstance(by_status, dict):
            by_status[status] = round(grown)
    everything = difference.histogram(REQUEST_LATENCY, model_name=name)
    request = difference.histogram(REQUEST_LATENCY, inferences_only=True, model_name=name)
    runtime = difference.histogram(RUNTIME_LATENCY, inferences_only=True, model_name=name)
    probes = _count(everything) - _count(request)
    if isinstance(by_status, dict) and probes:
        by_status = {s: n - probes * (s == OK) for s, n in by_status.items()}
        by_status = {s: n for s, n in by_status.items() if n > 0}
    total = sum(by_status.values()) if isinstance(by_status, dict) else 0
    request_mean, runtime_mean = _mean(request), _mean(runtime)
    return ModelLoad(
        model=name,
        requests_per_s=by_status if isinstance(by_status, Unavailable) else difference.rate(total),
        by_status=by_status,
        refused_ratio=_ratio(
            sum(by_status.get(s, 0) for s in REFUSED) if isinstance(by_status, dict) else 0, total
        ),
        request_mean=request_mean,
        request_p50=_percentile(request, 0.5),
        request_p99=_percentile(request, 0.99),
        runtime_mean=runtime_mean,
        outside_mean=_outside(request, runtime),
        by_api=_apis(difference, name, _count(request)),
        probes=probes,
    )


def _count(added: Added | Unavailable) -> int:
    return 0 if isinstance(added, Unavailable) else added.count


def _mean(added: Added | Unavailable) -> float | Unavailable:
    return added if isinstance(added, Unavailable) else added.mean


def _percentile(added: Added | Unavailable, ratio: float) -> Bounds | Unavailable:
    return added if isinstance(added, Unavailable) else added.percentile(ratio)


def _ratio(part: float, whole: float) -> float | Unavailable:
    return part / whole if whole else NOTHING_ADDED


def _outside(request: Added | Unavailable, runtime: Added | Unavailable) -> float | Unavailable:
    """Of the same answers only: runs of a warm-up are counted in the second alone."""
    if isinstance(request, Unavailable):
        return request
    if isinstance(runtime, Unavailable):
        return runtime
    if request.count != runtime.count:
        return Unavailable(f"{runtime.count:,} runs were counted for {request.count:,} answers")
    means = request.mean, runtime.mean
    if isinstance(means[0], Unavailable):
        return means[0]
    if isinstance(means[1], Unavailable):
        return means[1]
    if means[0] < means[1]:
        return Unavailable("the page prints too few digits of the sums")
    return means[0] - means[1]


def _apis(difference: Difference, model: str, answers: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for api in difference.labels(f"{REQUEST_LATENCY}_count", "API"):
        for entry in difference.labels(f"{REQUEST_LATENCY}_count", "entrypoint"):
            added = difference.histogram(
                REQUEST_LATENCY, inferences_only=True, model_name=model, API=api, entrypoint=entry
            )
            if answers and _count(added):
                found[f"{api} by {entry}" if entry else api] = _count(added) / answers
    return found


def _batching(difference: Difference) -> BatchingLoad:
    queue = difference.histogram(QUEUEING)
    runtime = difference.histogram(RUNTIME_LATENCY, inferences_only=True)
    processed, padding = difference.histogram(PROCESSED), difference.histogram(PADDING)
    batches = difference.counter(BATCHES)
    requests = difference.counter(REQUEST_COUNT)
    share: float | Unavailable = NOT_THERE
    if not isinstance(queue, Unavailable) and not isinstance(runtime, Unavailable):
        share = _ratio(queue.total, runtime.total)
        if queue.count > runtime.count * SAME_COUNT:
            share = Unavailable(
                f"{queue.count:,} tasks waited for {runtime.count:,} requests: some are split"
            )
    padded: float | Unavailable = NOT_THERE
    if not isinstance(processed, Unavailable) and not isinstance(padding, Unavailable):
        padded = _ratio(padding.total, processed.total)
    per_batch: float | Unavailable = NOT_THERE
    if not isinstance(batches, Unavailable) and not isinstance(requests, Unavailable):
        per_batch = _ratio(requests, batches)
    return BatchingLoad(
        queue_mean=_mean(queue),
        queue_share=share,
        batches_per_s=batches if isinstance(batches, Unavailable) else difference.rate(batches),
        requests_per_batch=per_batch,
        rows_mean=_mean(processed),
        padding_share=padded,
    )


def _traps(difference: Difference, models: tuple[ModelLoad, ...]) -> Iterator[str]:
    failed = [m for m in models if isinstance(m.by_status, dict) and set(m.by_status) - {OK}]
    if failed:
        yield (
            f"{', '.join(m.model for m in failed)}: failed requests are in request_count, and "
            "missing from request_latency: latency looks better the more requests fail."
        )
    if any(model.probes for model in models):
        yield (
            "Status requests, such as probes, are counted in request_count and in request_latency "
            'with API="": they are left out here, and have to be left out in dashboards.'
        )
    if f"{REQUEST_LATENCY}_bucket" in difference.names:
        yield (
            "Buckets of latency grow by 1.8: a percentile is known to lie between two limits, and "
            "no better."
        )
    if difference.names and REQUEST_COUNT not in difference.names:
        yield "The page has no request_count: no request yet, an older server, or renamed metrics."
    if f"{QUEUEING}_count" in difference.names:
        yield "Metrics of --enable_batching have no label of the model: they are of all together."
    if f"{IN_GRAPH_DELAY}_count" in difference.names:
        yield (
            "In-graph batching: gauges that hold texts, such as allowed_batch_sizes and policies, "
            "are printed as 0."
        )
