"""Caveats about the parameters of queues: estimated, contradicted, or given for no queue."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.batching.queue_keys import ADAPTIVE
from diag.analysis.result import BatchSummary
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.caveat import Caveat, Limit
from diag.model.serving import Contradiction, Origin, Parameter, Queue, RequestTable

# A caveat names so many contradictions; a server has few kinds of queues.
_NAMED_MAX = 6


def parameter_caveats(
    capture: Capture, requests: RequestTable, queues: tuple[BatchSummary, ...], *, is_batched: bool
) -> Iterator[Caveat]:
    """What limits the numbers that rest on batching parameters.

    Args:
        capture: Its parameters, and where they were read.
        requests: Those recorded whole.
        queues: The queues with a batch.
        is_batched: Whether the trace has any event of a batcher.
    """
    contradicted = [summary for summary in queues if summary.queue.contradictions]
    for from_metrics in (False, True):
        caveat = _contradicted(queues, from_metrics=from_metrics)
        if caveat is not None:
            yield caveat
    yield from _estimated([summary.queue for summary in queues], is_told=bool(contradicted))
    if not is_batched:
        yield from _unused(capture, requests)


def _contradicted(queues: tuple[BatchSummary, ...], *, from_metrics: bool) -> Caveat | None:
    """What one source tells and the trace contradicts, as parallel facts."""
    found: dict[tuple[str, Contradiction], None] = {}
    names = []
    is_function, told_by_metrics = True, True
    for summary in queues:
        own = [
            each
            for each in summary.queue.contradictions
            if (each.origin is Origin.METRICS) is from_metrics
        ]
        if own:
            names.append(_name(summary, queues))
            is_function &= summary.queue.is_function
            told_by_metrics &= _is_told_by_metrics(summary.queue)
        found.update({(_name(summary, queues), each): None for each in own})
    if not found:
        return None
    shown = list(found)[:_NAMED_MAX]
    told = [each for _, each in shown]
    facts = (
        ("source", "metrics" if from_metrics else "file"),
        ("queues", tuple(names)),
        ("queues_count", len(queues)),
        ("queue_of_each", tuple(queue for queue, _ in shown)),
        ("parameters", tuple(each.parameter for each in told)),
        ("given", tuple(each.given for each in told)),
        ("origins", tuple(each.origin.value for each in told)),
        ("conflicts", tuple(each.conflict.value for each in told)),
        ("observed", tuple(float(each.observed) for each in told)),
        ("rows", tuple(float(each.rows) for each in told)),
        ("more_count", len(found) - len(shown)),
        ("is_function", is_function),
        ("instead", "metrics" if told_by_metrics else "estimates"),
    )
    remedy = "" if from_metrics else "give-file-in-force"
    return Caveat("contradicted-parameters", (Limit.QUEUEING,), facts, remedy)


def _is_told_by_metrics(queue: Queue) -> bool:
    timeout = queue.batch_timeout_ns
    return isinstance(timeout, Parameter) and timeout.origin is Origin.METRICS


def _name(summary: BatchSummary, queues: tuple[BatchSummary, ...]) -> str:
    """The model, and the queue's key where the model has several."""
    same = sum(other.model == summary.model for other in queues)
    return summary.model if same == 1 else f"{summary.model} queue {summary.queue.key}"


def _estimated(queues: list[Queue], *, is_told: bool) -> Iterator[Caveat]:
    estimated = sorted(
        {
            name
            for queue in queues
            if queue.key != ADAPTIVE
            for name, value in (
                ("batch_timeout_micros", queue.batch_timeout_ns),
                ("max_batch_size", queue.max_batch_size),
                ("num_batch_threads", queue.num_batch_threads),
            )
            if not isinstance(value, Parameter) or value.origin is Origin.ESTIMATED
        }
    )
    if estimated:
        facts = (("parameters", tuple(estimated)),)
        remedy = "" if is_told else "give-batching-parameters"
        yield Caveat("estimated-parameters", (Limit.QUEUEING,), facts, remedy)


def _unused(capture: Capture, requests: RequestTable) -> Iterator[Caveat]:
    """Parameters are given, requests are served, and none of them is batched."""
    if isinstance(capture.batching_parameters, Unavailable) or not len(requests):
        return
    facts = (("requests_count", len(requests)),)
    yield Caveat("batching-not-in-force", (Limit.QUEUEING,), facts, "check-batching-flags")
