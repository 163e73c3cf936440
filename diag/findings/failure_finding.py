"""What the findings about failed requests have in common: their numbers, and how sure they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.findings.failed_answers import FailureCause
from diag.findings.metrics import check
from diag.model.availability import Unavailable
from diag.model.finding import CounterEvidence, Evidence, Finding, Severity, Source, Tier
from diag.model.gaps import Confidence
from diag.model.printable import NAME_MAX_CHARS, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.analysis.result import Analysis
    from diag.findings.failed import FailedRequests
    from diag.model.finding import Remedy

_NS_PER_S = 1e9
_SOURCE_COUNTS = Source("server_answers")


class FailureInputs(NamedTuple):
    """What a rule about failures looks at.

    Attributes:
        analysis: All of it.
        failed: Its failures by cause.
    """

    analysis: Analysis
    failed: FailedRequests


class FailedShare(NamedTuple):
    """Failures of one kind in both sources.

    Attributes:
        traced: Requests in the trace.
        requests: All requests in the trace.
        counted: Answers by status, as the server's metrics count them.
        answers: All answers; 0 without metrics.
        exceeds: Whether more answers with these statuses were counted than the trace explains.
        is_inferred: Whether the status names the cause, and the trace does not contradict it.
    """

    traced: int
    requests: int
    counted: Mapping[str, int]
    answers: int
    exceeds: bool = False
    is_inferred: bool = False

    @property
    def is_by_trace(self) -> bool:
        """Whether the trace decides: not where the metrics count a larger share."""
        traced = self.traced / max(1, self.requests)
        return traced > 0 and traced >= sum(self.counted.values()) / max(1, self.answers)

    @property
    def number(self) -> int:
        """Failures, by the source that decides."""
        return self.traced if self.is_by_trace else sum(self.counted.values())

    @property
    def total(self) -> int:
        """All requests, by the same source."""
        return self.requests if self.is_by_trace else self.answers

    @property
    def ratio(self) -> float:
        """Failed share, 0 to 1."""
        return self.number / self.total if self.total else 0.0

    @property
    def is_material(self) -> bool:
        """Whether it comes before anything else that can be said of the server."""
        enough = self.number == self.total or self.number >= thresholds.FAILED_MIN_REQUESTS
        return enough and self.ratio >= thresholds.FAILED_MIN_RATIO


def share_of(failed: FailedRequests, cause: FailureCause) -> FailedShare:
    """The failures with this cause."""
    traced = failed.traced.get(cause, 0)
    return FailedShare(
        traced,
        failed.requests,
        failed.counted(cause),
        failed.answers_total,
        exceeds=failed.exceeds_the_trace(cause),
        is_inferred=cause in failed.inferred,
    )


def failure_finding(
    inputs: FailureInputs,
    share: FailedShare,
    *,
    rule: str,
    why: str,
    remedies: tuple[Remedy, ...],
    rollback: str,
    evidence: tuple[Evidence, ...] = (),
    counter_evidence: tuple[CounterEvidence, ...] = (),
) -> Finding:
    """A finding about failures.

    Args:
        inputs: What the rule looked at.
        share: Its failures; not empty.
        rule: Id of the rule.
        why: The cause, as it follows "… of requests failed: ".
        remedies: What to change.
        rollback: How to undo the first.
        evidence: What the rule adds.
        counter_evidence: What the rule looked for.
    """
    confidence, reason = _judge(inputs.failed, share)
    return Finding(
        id=rule,
        cause=rule,
        severity=Severity.CRITICAL if share.is_material else Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=f"{_how_many(share)} failed: {why} ({_sources(share)}).",
        evidence=(*_evidence(share), *evidence),
        counter_evidence=(_difference(inputs.failed, share), *counter_evidence),
        remedies=remedies,
        gain=Unavailable("how many of them succeed then is seen in the next capture"),
        verify=(check(inputs.analysis, "requests.failed", high=0.0),),
        rollback=rollback,
        tier=Tier.FAILURES if share.is_material else Tier.FEW_FAILURES,
        at_stake_ns=share.ratio * _NS_PER_S,
    )


def _how_many(share: FailedShare) -> str:
    if share.number == share.total:
        return "Every request" if share.total > 1 else "The only request"
    if share.ratio >= thresholds.FAILED_MIN_RATIO:
        return f"{share.ratio:.0%} of requests"
    return f"{share.number:,} of {share.total:,} requests"


def _sources(share: FailedShare) -> str:
    parts = []
    if share.traced:
        parts.append(f"{share.traced:,} of {share.requests:,} in the trace")
    if share.counted:
        counted = " and ".join(f"{n:,} {_name(s)}" for s, n in sorted(share.counted.items()))
        parts.append(f"{counted} of {share.answers:,} answers by the server's metrics")
    return "; ".join(parts)


def _name(status: str) -> str:
    return printable(status, NAME_MAX_CHARS)


def _evidence(share: FailedShare) -> tuple[Evidence, ...]:
    items = []
    if share.traced:
        where = Source("capture", "refused_requests, failed_requests")
        items.append(Evidence("failed requests in the trace", share.traced, "requests", where))
        where = Source("capture", "requests")
        items.append(Evidence("requests in the trace", share.requests, "requests", where))
    for status, n in sorted(share.counted.items()):
        items.append(Evidence(f"answers {_name(status)}", n, "answers", _SOURCE_COUNTS))
    if share.counted:
        items.append(Evidence("answers", share.answers, "answers", _SOURCE_COUNTS))
    where = Source("capture", "requests") if share.is_by_trace else _SOURCE_COUNTS
    items.append(Evidence("failed share", share.ratio, "ratio", where))
    return tuple(items)


def _judge(failed: FailedRequests, share: FailedShare) -> tuple[Confidence, str]:
    """High where both sources show as many failures; low where the metrics count fewer."""
    counted = sum(share.counted.values())
    if isinstance(failed.answers, Unavailable):
        return Confidence.MEDIUM, "One source, the trace: no server metrics over the same window."
    if not share.traced:
        return (
            Confidence.MEDIUM,
            "One source, the server's metrics: the trace does not show how these requests ended.",
        )
    if _is_contradicted(failed, share):
        reason = (
            f"The trace shows {share.traced:,} such requests, but the server's metrics count "
            f"{counted:,} answers with that status."
        )
        return Confidence.LOW, reason
    if share.exceeds:
        reason = (
            f"The trace shows {share.traced:,} of them. The metrics count more answers with that "
            "status; the others may have another cause."
        )
        return Confidence.MEDIUM, reason
    if share.is_inferred:
        reason = (
            "The metrics count the status. The trace has no call of the batch scheduler, and so "
            "does not show where these requests ended."
        )
        return Confidence.MEDIUM, reason
    return Confidence.HIGH, "The trace shows where they ended, and the metrics count the status."


def _is_contradicted(failed: FailedRequests, share: FailedShare) -> bool:
    if isinstance(failed.answers, Unavailable) or not share.traced:
        return False
    return sum(share.counted.values()) < thresholds.COUNTED_MIN_RATIO * share.traced


def _difference(failed: FailedRequests, share: FailedShare) -> CounterEvidence:
    looked_for = "fewer such answers in the metrics than requests in the trace"
    if isinstance(failed.answers, Unavailable):
        return CounterEvidence(looked_for, failed.answers)
    if not share.traced:
        return CounterEvidence(looked_for, Unavailable("the trace shows none of them"))
    return CounterEvidence(looked_for, _is_contradicted(failed, share))
