"""Findings about a capture without a complete request, where none is known to have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from diag.findings.failed import failed_requests
from diag.findings.metrics import check
from diag.findings.not_serving import not_serving
from diag.model.availability import Unavailable
from diag.model.finding import (
    Check,
    CounterEvidence,
    Evidence,
    Finding,
    Remedy,
    RemedyKind,
    RemedyPlace,
    Severity,
    Source,
    Tier,
)
from diag.model.gaps import Confidence
from diag.model.program import ProgramKind
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.analysis.result import Analysis

NOT_RECORDED = "requests-not-recorded"
NO_REQUESTS = "no-requests"


def without_requests(analysis: Analysis) -> Finding:
    """The one finding of such a capture."""
    if analysis.program.is_foreign:
        return not_serving(analysis)
    reason = analysis.counts.requests
    if isinstance(reason, Unavailable):
        return _not_recorded(analysis, reason)
    counts = analysis.counts
    cut = counts.censored + counts.censored_batches
    quiet = all(gaps.no_demand_ns == gaps.timeline.window.duration_ns for gaps in analysis.idle)
    if analysis.program.kind is ProgramKind.EMPTY:
        return _empty(analysis)
    if not cut and analysis.idle and quiet:
        return _none_sent(analysis)
    return _none_complete(analysis)


def _not_recorded(analysis: Analysis, reason: Unavailable) -> Finding:
    is_level_1 = analysis.capture.tracer_level == 1
    return Finding(
        **_common(analysis),
        id=NOT_RECORDED,
        cause="not-recorded",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH if is_level_1 else Confidence.MEDIUM,
        confidence_reason=(
            "The recording itself says that its tracer level was 1."
            if is_level_1
            else "The recording does not say its tracer level."
        ),
        what=f"No verdict: {reason.reason}.",
        counter_evidence=(CounterEvidence("a request of any kind", found=False),),
        remedies=(_again("Capture again with --host-tracer-level 2."),),
        tier=Tier.VISIBILITY,
    )


def _empty(analysis: Analysis) -> Finding:
    """No event at all, and no other source that tells an idle server from one not recorded."""
    is_off = analysis.tracer_level == 0
    return Finding(
        **_common(analysis),
        id=NO_REQUESTS,
        cause="no-requests",
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        confidence_reason=(
            "The recording itself says that its tracer level was 0."
            if is_off
            else "The trace has no event of the host or of a device."
        ),
        what=(
            "The trace is empty: it was recorded at host tracer level 0, which records nothing of "
            "the host."
            if is_off
            else "The trace is empty: the process did nothing that is traced while it was "
            "recorded, or its tracers were off."
        ),
        counter_evidence=(CounterEvidence("any event", found=False),),
        remedies=(
            _again(
                "Capture again under load, at level 2 (--host-tracer-level 2 --wait-for-traffic)."
            ),
        ),
        tier=Tier.VISIBILITY,
    )


def _none_complete(analysis: Analysis) -> Finding:
    """Something ran, but no request was recorded with all of its parts."""
    counts, window = analysis.counts, _window_text(analysis)
    parts = [
        f"{n} {one if n == 1 else many}"
        for n, one, many in (
            (counts.censored, "request", "requests"),
            (counts.censored_batches, "batch", "batches"),
        )
        if n
    ]
    if isinstance(counts.requests, int) and counts.requests:
        many = "1 request" if counts.requests == 1 else f"{counts.requests:,} requests"
        confidence = Confidence.HIGH
        reason = f"{many} in the recording, none of them with all of its parts."
        why = (
            "the window cut a batch or a step of each: requests and their batches take about as "
            "long as the window."
        )
        if counts.ambiguous_links:
            why = "several queues share the ids of their batches: which one ran each is not known."
        what = f"{many} began and ended within the {window} recorded, but {why}"
    elif parts:
        confidence = Confidence.HIGH
        reason = "Parts of requests are in the recording, and no complete one."
        what = (
            f"No request began and ended within the {window} recorded, although parts of "
            f"{' and '.join(parts)} were seen: requests take longer than the window."
        )
    else:
        is_server = analysis.program.kind is ProgramKind.SERVING
        confidence = Confidence.MEDIUM if is_server else Confidence.LOW
        reason = "The recording has no part of a request" + (
            "; no other source tells what ran."
            if is_server
            else ", and nothing tells which program it is of."
        )
        what = (
            f"Something ran in the {window} recorded, but no event of a request was seen: requests "
            "take longer than the window"
            f"{', or leave no event' if is_server else ', or this is not a serving trace'}."
        )
    return Finding(
        **_common(analysis),
        id=NO_REQUESTS,
        cause="no-requests",
        severity=Severity.WARNING,
        confidence=confidence,
        confidence_reason=reason,
        what=what,
        counter_evidence=(CounterEvidence("a complete request", found=False),),
        remedies=(_again("Capture the server again, for longer (--duration)."),),
        tier=Tier.VISIBILITY,
    )


def _none_sent(analysis: Analysis) -> Finding:
    """A lack of demand: of a server that is known to be one, else maybe of another program."""
    answers = failed_requests(analysis).answers
    is_silent = not isinstance(answers, Unavailable) and not answers
    is_server = is_silent or analysis.program.kind is ProgramKind.SERVING
    return Finding(
        **_common(analysis),
        id=NO_REQUESTS,
        cause="no-requests",
        severity=Severity.INFO,
        confidence=Confidence.HIGH if is_silent else Confidence.MEDIUM,
        confidence_reason=(
            "No part of a request is in the trace, and the server's metrics count no answer."
            if is_silent
            else "No part of a request is in the trace. No other source confirms it."
        ),
        what=(
            f"No request reached the model in the {_window_text(analysis)} recorded: there was no "
            f"demand{'' if is_server else ', or this is not a serving trace'}."
        ),
        counter_evidence=(CounterEvidence("parts of requests that the window cut", found=False),),
        remedies=(_again("Capture again under load (--wait-for-traffic)."),),
        tier=Tier.CAPACITY,
    )


class _Common(TypedDict):
    evidence: tuple[Evidence, ...]
    gain: Unavailable
    verify: tuple[Check, ...]
    rollback: str
    at_stake_ns: float


def _common(analysis: Analysis) -> _Common:
    """What the findings of this module have in common: only another capture can show more."""
    return {
        "evidence": _evidence(analysis),
        "gain": Unavailable("no request was recorded"),
        "verify": (check(analysis, "requests.complete", low=1),),
        "rollback": "",
        "at_stake_ns": 0.0,
    }


def _again(action: str) -> Remedy:
    return Remedy(RemedyKind.CAPTURE, RemedyPlace.CAPTURE_COMMAND, action)


def _window_text(analysis: Analysis) -> str:
    return duration(analysis.capture.window.duration_ns)


def _evidence(analysis: Analysis) -> tuple[Evidence, ...]:
    counts = analysis.counts
    window_ns = analysis.capture.window.duration_ns
    return (
        Evidence(
            "requests cut by the window",
            counts.censored,
            "requests",
            Source("capture", "requests"),
        ),
        Evidence(
            "batches cut by the window",
            counts.censored_batches,
            "batches",
            Source("capture", "batches"),
        ),
        Evidence("events", analysis.counts.events, "events", Source("capture", "events")),
        Evidence("window", window_ns, "ns", Source("capture", "window")),
    )
