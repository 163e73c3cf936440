"""The verdict: how long requests take, the first finding, and how idle the device was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.findings import thresholds
from diag.findings.confidence import Basis, device_is_doubted, judge
from diag.findings.cpu import cpu_evidence, neighbours_sentence
from diag.findings.device import agreement_evidence, busy_text
from diag.findings.failed import failed_requests
from diag.findings.idle_sentence import idle_evidence, idle_sentence
from diag.findings.inputs import RuleInputs, rule_inputs
from diag.findings.loop_inputs import LoopInputs, loop_inputs
from diag.findings.not_serving import busy_sentence
from diag.findings.ranking import leading
from diag.findings.tail import Tail, find_tail, tail_evidence, tail_sentence
from diag.model.agreement import AgreementKind
from diag.model.availability import Unavailable
from diag.model.finding import Evidence, Said, Severity, Source, Tier
from diag.model.gaps import Confidence
from diag.model.loops import MODEL_CALL
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration
from diag.model.serving import Stage, StageGroup

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.failed import FailedRequests
    from diag.model.finding import Finding

HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a capture comes to, in up to four sentences.

    Attributes:
        id: Of the first finding, or ``healthy``.
        cause: The stage or cause of idle time behind it, or the finding's own word.
        confidence_reason: In one sentence.
        latency: How long requests take; "" without any.
        what: The first finding's sentence.
        device: How idle the device was, and why; "" where nothing executed.
        doubt: What contradicts device times or makes all times longer; "" if nothing does.
        tail: What slow requests spend their extra time in; "" where they are not much slower, or
            too few. No part of ``sentence``.
        evidence: Every number of the sentences.
        is_failing: Whether it is about failed requests, which come before how long others take.
        every_request_failed: Whether no source shows a request that succeeded.
    """

    id: str
    cause: str
    confidence: Confidence
    confidence_reason: str
    latency: str
    what: str
    device: str
    doubt: str
    tail: str
    evidence: tuple[Evidence, ...]
    is_failing: bool = False
    every_request_failed: bool = False

    @property
    def sentence(self) -> str:
        """All of it as one paragraph."""
        first = (self.what, self.latency) if self.is_failing else (self.latency, self.what)
        return " ".join(filter(None, (*first, self.device, self.doubt)))


def conclude(analysis: Analysis, findings: tuple[Finding, ...]) -> Verdict:
    """The verdict.

    Args:
        analysis: What the findings are about.
        findings: Ranked, as ``diag.findings.find`` returns them.
    """
    inputs, failed = rule_inputs(analysis), failed_requests(analysis)
    loop = loop_inputs(analysis)
    if not isinstance(loop, Unavailable):
        return _of_loop(loop, findings)
    if isinstance(inputs, Unavailable):
        only = findings[0]
        return Verdict(
            only.id,
            only.cause,
            only.confidence,
            only.confidence_reason,
            latency="",
            what=only.what,
            device=busy_sentence(analysis) if analysis.program.is_foreign else "",
            doubt="",
            tail="",
            evidence=only.evidence,
            is_failing=only.tier is Tier.FAILURES,
            every_request_failed=failed.is_total,
        )
    tail = find_tail(analysis)
    common = (
        *_latency_evidence(inputs),
        *idle_evidence(inputs.gaps),
        *agreement_evidence(analysis),
        *tail_evidence(tail),
        *cpu_evidence(analysis),
    )
    latency, device, doubt = (
        _latency(inputs),
        idle_sentence(analysis, inputs.gaps),
        _doubt(analysis),
    )
    first = leading(findings)
    if first is None:
        confidence, reason = judge(inputs, Basis())
        compute = inputs.shares.group(StageGroup.COMPUTE)
        stage, next_share = _largest_outside(inputs)
        next_text = f", {next_share:.0%} in {stage.value}" if _is_told(next_share) else ""
        what = (
            f"No stage holds requests up: {compute:.0%} of their time is in the model{next_text}."
        )
        return Verdict(
            id=HEALTHY,
            cause=HEALTHY,
            confidence=confidence,
            confidence_reason=reason,
            latency=latency,
            what=what,
            device=device,
            doubt=doubt,
            tail=_tail_alone(analysis, tail),
            evidence=(
                Evidence("share of request time in the model", compute, "ratio", Source("ledger")),
                Evidence(
                    f"{stage.value} share", next_share, "ratio", Source("ledger", stage.value)
                ),
                *common,
            ),
        )
    if Said.NEIGHBOURS in first.says:
        doubt = _device_doubt(analysis)
    if Said.DEVICE in first.says:
        device = ""
    is_failing = first.tier is Tier.FAILURES
    if is_failing:
        latency = _latency(inputs, failed)
    evidence = _without_duplicates((*first.evidence, *common))
    return Verdict(
        first.id,
        first.cause,
        first.confidence,
        first.confidence_reason,
        latency,
        first.what,
        device,
        doubt,
        _tail_after(analysis, tail, first),
        evidence,
        is_failing,
        failed.is_total,
    )


def _of_loop(loop: LoopInputs, findings: tuple[Finding, ...]) -> Verdict:
    """Iterations first, then what holds them up, then how long the model runs."""
    first = leading(findings)
    if first is None:
        call = loop.share(*MODEL_CALL)
        id_ = cause = HEALTHY
        confidence, reason = loop.loops.confidence, loop.loops.confidence_reason
        what = f"No part of the loop holds it up: {call:.0%} of its time is in calls of the model."
        evidence: tuple[Evidence, ...] = (loop.share_evidence("model call", *MODEL_CALL),)
    else:
        id_, cause, what, evidence = first.id, first.cause, first.what, first.evidence
        confidence, reason = first.confidence, first.confidence_reason
    says_device = first is not None and Said.DEVICE in first.says
    return Verdict(
        id_,
        cause,
        confidence,
        reason,
        latency=loop.sentence,
        what=what,
        device="" if says_device else loop.busy_sentence,
        doubt="",
        tail="",
        evidence=_without_duplicates((*evidence, *loop.evidence)),
    )


def _tail_after(analysis: Analysis, tail: Tail | None, first: Finding) -> str:
    """With a word on the change, where that is about a stage of each request."""
    if first.tier is Tier.FAILURES:
        return ""
    # What stops every request is in the tail too, in whatever stage it stopped them.
    is_everywhere = first.tier is Tier.DISTURBANCE
    if first.severity is Severity.INFO or Said.NEIGHBOURS in first.says or is_everywhere:
        return _tail_alone(analysis, tail)
    return tail_sentence(analysis, tail, first.cause)


def _largest_outside(inputs: RuleInputs) -> tuple[Stage, float]:
    """The stage outside the model with most request time, and its share."""
    outside = {
        stage: share
        for stage, share in inputs.shares.by_stage.items()
        if stage.group is not StageGroup.COMPUTE
    }
    stage = max(outside, key=lambda each: outside[each])
    return stage, outside[stage]


def _is_told(share: float) -> bool:
    return share >= thresholds.CHECK_SLACK


def _tail_alone(analysis: Analysis, tail: Tail | None) -> str:
    """Without a word on a change, where none is advised."""
    return "" if tail is None else tail_sentence(analysis, tail, tail.stage)


def _without_duplicates(items: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(items))


def _latency(inputs: RuleInputs, failed: FailedRequests | None = None) -> str:
    """p50 and p99 first: what users feel and what objectives are written in.

    Args:
        inputs: Durations of the complete requests.
        failed: Where many requests fail: then the sentence says which of them it is about.
    """
    who = "Requests take"
    if failed is not None and failed.traced_total:
        who = "The other requests take"
    elif failed is not None:
        who = "Requests in the trace, where failed ones look like the others, take"
    mean = duration(inputs.latency.mean_ns)
    known = [
        f"{duration(value)} at {name}"
        for name, value in (("p50", inputs.latency.p50_ns), ("p99", inputs.latency.p99_ns))
        if not isinstance(value, Unavailable)
    ]
    if not known:
        return f"{who} {mean} on average."
    return f"{who} {', '.join(known)} (mean {mean})."


def _latency_evidence(inputs: RuleInputs) -> list[Evidence]:
    where = Source("ledger", "request")
    values = (
        ("complete requests", inputs.shares.requests, "requests"),
        ("request p50", inputs.latency.p50_ns, "ns"),
        ("request p99", inputs.latency.p99_ns, "ns"),
        ("request mean", inputs.latency.mean_ns, "ns"),
    )
    return [
        Evidence(name, value, unit, Source("requests") if unit == "requests" else where)
        for name, value, unit in values
        if not isinstance(value, Unavailable)
    ]


def _doubt(analysis: Analysis) -> str:
    """What contradicts the numbers or distorts all of them; "" if nothing does."""
    return " ".join(filter(None, (_device_doubt(analysis), neighbours_sentence(analysis))))


def _device_doubt(analysis: Analysis) -> str:
    for agreement in analysis.agreements:
        if agreement.kind is AgreementKind.DISAGREE:
            device = printable(agreement.device, NAME_MAX_CHARS)
            return f"Samples and trace disagree on {device}: {busy_text(agreement)}."
    if device_is_doubted(analysis):
        return "The trace lost device events, so times on the GPU are lower bounds."
    return ""
