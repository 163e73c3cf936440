"""Failed requests by cause: what the trace and the server's metrics each show of them.

The trace shows how far a request came, the metrics count answers by status. A cause is named only
where one of them shows it. Statuses: tensorflow_serving/batching/batching_session.cc (InternalRun,
ProcessBatch, MergeInputTensors) at 9d981c5c, shared_batch_scheduler.h (Schedule) of TensorFlow
2.21; each but the deadline in the queue was recorded on a live server.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from diag.findings import thresholds
from diag.findings.failed_answers import FailureCause, answers_by_cause, most_expected
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.simulation.options import QueueOptions

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

OK = "OK"
EXHAUSTED = "RESOURCE_EXHAUSTED"


@dataclass(frozen=True, slots=True)
class FailedRequests:
    """The failures of a capture.

    Attributes:
        traced: Requests by cause, as the trace shows them; only causes with requests.
        requests: Whole requests in the trace, failed ones included.
        answers: Answers of inferences by status between the scrapes, which enclose the window.
        largest_request: ``max_batch_size`` for a request, by the server's file.
        several_models: Whether several models may have a limit each. The trace does not show which
            of them refused a request.
        inferred: Causes that the trace does not contradict, and the statuses name.
    """

    traced: dict[FailureCause, int] = field(hash=False)
    requests: int
    answers: dict[str, int] | Unavailable = field(hash=False)
    largest_request: int | Unavailable
    several_models: bool = False
    inferred: frozenset[FailureCause] = frozenset()

    @property
    def traced_total(self) -> int:
        """Failed requests in the trace."""
        return sum(self.traced.values())

    @property
    def answers_total(self) -> int:
        """All answers; 0 without metrics."""
        return 0 if isinstance(self.answers, Unavailable) else sum(self.answers.values())

    @property
    def not_ok(self) -> dict[str, int]:
        """Answers by status other than OK; empty without metrics."""
        if isinstance(self.answers, Unavailable):
            return {}
        return {status: n for status, n in self.answers.items() if status != OK and n > 0}

    @property
    def counted_by_cause(self) -> dict[FailureCause, dict[str, int]]:
        """Answers by cause and status: no more than the trace lets expect of each cause."""
        scale = self._answers_per_request
        if scale is None:  # nothing succeeded: all that failed stands for all that is counted
            scale = self.answers_total / self.requests if self.requests else 1.0
        expected = {cause: n * max(1.0, scale) for cause, n in self.traced.items()}
        return answers_by_cause(expected, self.not_ok)

    def counted(self, cause: FailureCause) -> dict[str, int]:
        """Answers that belong to this cause, by status."""
        return self.counted_by_cause.get(cause, {})

    def unexplained(self) -> dict[str, int]:
        """Answers other than OK that belong to no cause, by status."""
        left = Counter(self.not_ok)
        for counted in self.counted_by_cause.values():
            left.subtract(counted)
        return {status: n for status, n in left.items() if n > 0}

    def exceeds_the_trace(self, cause: FailureCause) -> bool:
        """Whether more answers with its statuses were counted than the trace explains."""
        counted, scale = self.counted(cause), self._answers_per_request or 1.0
        expected = self.traced.get(cause, 0) * max(1.0, scale)
        surplus = self.unexplained().keys() & counted.keys()
        return bool(surplus) or sum(counted.values()) > most_expected(expected)

    @property
    def _answers_per_request(self) -> float | None:
        """Answers OK between the scrapes for each such request in the trace; None without any."""
        succeeded = self.requests - self.traced_total
        if isinstance(self.answers, Unavailable) or succeeded <= 0 or OK not in self.answers:
            return None
        return self.answers[OK] / succeeded

    @property
    def number(self) -> int:
        """Failures: the larger number of what trace and metrics show."""
        return max(self.traced_total, sum(self.not_ok.values()))

    @property
    def ratio(self) -> float:
        """Failed share of requests: the larger of what trace and metrics show, 0 to 1."""
        traced = self.traced_total / self.requests if self.requests else 0.0
        counted = sum(self.not_ok.values()) / self.answers_total if self.answers_total else 0.0
        return max(traced, counted)

    @property
    def is_material(self) -> bool:
        """Whether they come before anything else that can be said of the server."""
        enough = self.ratio == 1.0 or self.number >= thresholds.FAILED_MIN_REQUESTS
        return self.number > 0 and enough and self.ratio >= thresholds.FAILED_MIN_RATIO

    @property
    def is_total(self) -> bool:
        """Whether some source shows failures and none shows a request that succeeded."""
        if not isinstance(self.answers, Unavailable) and self.answers_total:
            return OK not in self.answers
        return self.traced_total > 0 and self.traced_total == self.requests


def failed_requests(analysis: Analysis) -> FailedRequests:
    """What is known of failures; without any, all counts are empty."""
    failures, counts = analysis.failures, analysis.counts
    answers = _answers(analysis)
    limit = _largest_request(analysis, answers)
    traced = Counter({FailureCause.NO_BATCH_DIMENSION: failures.unscheduled})
    traced += _refusals(analysis, limit, answers)
    early = _early(analysis, answers)
    traced[early] += failures.early
    traced[FailureCause.SHAPES_DIFFER] += failures.unmerged
    traced[FailureCause.DEADLINE] += failures.expired
    if isinstance(counts.complete, Unavailable):  # of how many these would be is not known
        return FailedRequests({}, 0, answers, limit)
    return FailedRequests(
        traced={cause: n for cause, n in traced.items() if n},
        requests=counts.complete + failures.total,
        answers=answers,
        largest_request=limit,
        several_models=_has_several_models(analysis),
        inferred=frozenset({early} if failures.early else ()),
    )


def _early(analysis: Analysis, answers: dict[str, int] | Unavailable) -> FailureCause:
    """Why requests ended before a batch, where the trace has no call of the scheduler.

    Three reasons are possible: no common first dimension, too many rows, a full queue. Such a call
    would be seen for the last two, unless this version does not record it: tasks that were enqueued
    without one show that.
    """
    if isinstance(answers, Unavailable) or len(analysis.batches):
        return FailureCause.EARLY
    if answers.keys() - {OK} == {"INVALID_ARGUMENT"}:
        return FailureCause.NO_BATCH_DIMENSION
    return FailureCause.EARLY


def _has_several_models(analysis: Analysis) -> bool:
    """Whether batches of several models may be formed, by the metrics or else by the queues."""
    by_queues = sum(summary.queue.is_function for summary in analysis.queues) > 1
    if isinstance(analysis.metrics, Unavailable):
        return len(analysis.queues) > 1
    asked = [
        model
        for model in analysis.metrics
        if isinstance(model.responses, Unavailable) or any(model.responses.values())
    ]
    return by_queues or len(asked) > 1


def _largest_request(
    analysis: Analysis, answers: dict[str, int] | Unavailable
) -> int | Unavailable:
    """By the file, unless trace or metrics show that the server runs with another value."""
    file = analysis.capture.batching_parameters
    if not isinstance(file, BatchingParameters):
        return file
    if _has_several_models(analysis):
        return Unavailable("which model refused a request is not recorded")
    limit = QueueOptions.from_parameters(file).max_batch_size
    if analysis.failures.accepted_rows > limit:
        return Unavailable("the server accepted requests with more rows than the file allows")
    rows = analysis.failures.refused_rows
    if isinstance(answers, Unavailable) or not len(rows):
        return limit
    full, too_large = "UNAVAILABLE" in answers, "INVALID_ARGUMENT" in answers
    only_full, only_too_large = full and not too_large, too_large and not full
    if (only_full and rows.min() > limit) or (only_too_large and rows.max() <= limit):
        return Unavailable("the statuses of the answers contradict the file")
    return limit


def _refusals(
    analysis: Analysis, limit: int | Unavailable, answers: dict[str, int] | Unavailable
) -> Counter[FailureCause]:
    """Why the batch scheduler refused requests.

    It has two reasons: more rows than a request may have, and a full queue. Where the limit is not
    known, the status tells, if only one of the two was counted. Else a request that is no larger
    than an accepted one met a full queue, if tasks waited then and there is one model: a queue
    without a task is not full, and another model may have another limit.
    """
    rows, largest = analysis.failures.refused_rows, analysis.failures.accepted_rows
    counted = {} if isinstance(answers, Unavailable) else answers
    full, too_large = "UNAVAILABLE" in counted, "INVALID_ARGUMENT" in counted
    other = FailureCause.REFUSED
    if full != too_large:
        other = FailureCause.QUEUE_OVERFLOW if full else FailureCause.TOO_LARGE
    if isinstance(limit, Unavailable) and other is not FailureCause.REFUSED:
        return Counter({other: len(rows)})
    if isinstance(limit, Unavailable):
        fits = (rows >= 0) & (rows <= largest) & analysis.failures.refused_while_waiting
        fits &= not _has_several_models(analysis)
        exceeds = np.zeros(len(rows), np.bool_)
    else:
        fits, exceeds = (rows >= 0) & (rows <= limit), rows > limit
    causes = Counter(
        {
            FailureCause.QUEUE_OVERFLOW: int(fits.sum()),
            FailureCause.TOO_LARGE: int(exceeds.sum()),
        }
    )
    causes[other] += int((~fits & ~exceeds).sum())
    return causes


def _answers(analysis: Analysis) -> dict[str, int] | Unavailable:
    """Answers between the scrapes by status, over all models."""
    if isinstance(analysis.metrics, Unavailable):
        return analysis.metrics
    counted: Counter[str] = Counter()
    for model in analysis.metrics:
        if isinstance(model.responses, Unavailable):
            return model.responses
        counted.update(model.responses)
    return {status: n for status, n in counted.items() if n > 0}


def refused_before_handler(analysis: Analysis) -> int | Unavailable:
    """Calls in the client log that ended with RESOURCE_EXHAUSTED and that the server did not count.

    gRPC refuses a call so when all its threads are in use, before any code of TensorFlow Serving.
    A deadline that passes in a batch queue has the same status, but the server counts it, or the
    trace shows it.
    """
    if isinstance(analysis.clients.log, Unavailable):
        return analysis.clients.log
    seen = dict(analysis.clients.failed).get(EXHAUSTED, 0)
    failed = failed_requests(analysis)
    if isinstance(failed.answers, Unavailable):
        return max(0, seen - failed.traced.get(FailureCause.DEADLINE, 0))
    return max(0, seen - failed.answers.get(EXHAUSTED, 0))
