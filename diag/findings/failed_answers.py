"""Which answers, counted by status, belong to the failed requests that the trace shows."""

from __future__ import annotations

import enum
import math
from collections import Counter
from typing import TYPE_CHECKING

from diag.findings import thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEADLINE_STATUS = "DEADLINE_EXCEEDED"


class FailureCause(enum.Enum):
    """Why requests fail, as far as the trace shows it."""

    QUEUE_OVERFLOW = "batching queue full"
    TOO_LARGE = "more rows than max_batch_size"
    REFUSED = "refused by the batch scheduler, for one of the two"
    EARLY = "ended before they joined a batch"
    NO_BATCH_DIMENSION = "no common first dimension"
    SHAPES_DIFFER = "inputs of a batch not merged"
    DEADLINE = "deadline passed"


# The status of such answers. A run that takes too long ends with DEADLINE_EXCEEDED, which the trace
# does not show; a deadline that passes in the queue, with RESOURCE_EXHAUSTED.
STATUSES = {
    FailureCause.QUEUE_OVERFLOW: ("UNAVAILABLE",),
    FailureCause.TOO_LARGE: ("INVALID_ARGUMENT",),
    FailureCause.REFUSED: ("UNAVAILABLE", "INVALID_ARGUMENT"),
    FailureCause.EARLY: ("UNAVAILABLE", "INVALID_ARGUMENT"),
    FailureCause.NO_BATCH_DIMENSION: ("INVALID_ARGUMENT",),
    FailureCause.SHAPES_DIFFER: ("FAILED_PRECONDITION",),
    FailureCause.DEADLINE: (_DEADLINE_STATUS, "RESOURCE_EXHAUSTED"),
}


def most_expected(number: float) -> float:
    """The most answers to count where ``number`` are expected."""
    return thresholds.FAILED_MAX_RATIO * number + thresholds.FAILED_MAX_DEVIATIONS * math.sqrt(
        number
    )


def answers_by_cause(
    expected: Mapping[FailureCause, float], not_ok: Mapping[str, int]
) -> dict[FailureCause, dict[str, int]]:
    """The answers of each cause: no more than the trace lets expect.

    Causes with the same status share its answers in proportion. DEADLINE_EXCEEDED names its cause
    itself, so that all such answers belong to it.

    Args:
        expected: Answers to expect between the scrapes, by cause.
        not_ok: Answers by status other than OK.
    """
    out: dict[FailureCause, dict[str, int]] = {cause: {} for cause in expected}
    rest = dict(expected)
    if not_ok.get(_DEADLINE_STATUS):
        out.setdefault(FailureCause.DEADLINE, {})[_DEADLINE_STATUS] = not_ok[_DEADLINE_STATUS]
        rest[FailureCause.DEADLINE] = max(
            0.0, expected.get(FailureCause.DEADLINE, 0.0) - not_ok[_DEADLINE_STATUS]
        )
    for status, number in not_ok.items():
        if status == _DEADLINE_STATUS:
            continue
        for cause, n in _of_status(rest, status, number).items():
            out[cause][status] = n
            rest[cause] = max(0.0, rest[cause] - n)
    return out


def _of_status(
    expected: Mapping[FailureCause, float], status: str, number: int
) -> dict[FailureCause, int]:
    """Answers with one status by cause. First come the causes that give no other status."""
    causes = [cause for cause in expected if status in STATUSES[cause] and expected[cause] > 0]
    weights = {cause: expected[cause] for cause in causes if len(STATUSES[cause]) == 1}
    for cause in causes:
        if cause not in weights:
            left = number - sum(weights.values())
            weights[cause] = max(0.0, min(expected[cause], left))
    total = sum(weights.values())
    if not total:
        return {}
    explained = number if number <= most_expected(total) else round(total)
    return _split(explained, weights)


def _split(number: int, weights: Mapping[FailureCause, float]) -> dict[FailureCause, int]:
    """Whole numbers in proportion to the weights, which add up to ``number``."""
    total, out, given, weight = sum(weights.values()), Counter[FailureCause](), 0, 0.0
    for cause, each in weights.items():
        weight += each
        out[cause] = round(number * weight / total) - given
        given += out[cause]
    return {cause: n for cause, n in out.items() if n > 0}
