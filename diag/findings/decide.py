"""decide(): from shares and idle time to one sentence."""

from __future__ import annotations

from diag.analysis.result import Analysis, GapSummary
from diag.findings.confidence import confidence_in
from diag.findings.device import describe_doubts
from diag.findings.evidence import gather_evidence, largest_causes
from diag.findings.knobs import knob_for, verify_for
from diag.findings.rules import Facts, find_cause
from diag.findings.shares import most_held_up, sum_shares, window_ratio
from diag.findings.verdict import Evidence, Verdict
from diag.findings.wording import IDLE_TEXT, name_preprocess_ops
from diag.model.availability import Unavailable
from diag.model.gaps import IdleCause


def decide(analysis: Analysis) -> Verdict:
    """The verdict on an analysis."""
    if isinstance(analysis.counts.requests, Unavailable):
        return _not_recorded(analysis, analysis.counts.requests)
    shares = sum_shares(analysis)
    if shares is None:
        return _no_requests(analysis)
    gaps = most_held_up(analysis)
    cause, sentence = find_cause(Facts(analysis, shares, gaps))
    # Each op is named once.
    ops = "" if "`" in sentence else name_preprocess_ops(analysis)
    parts = (sentence, _idle_sentence(gaps, ops), describe_doubts(analysis))
    return Verdict(
        cause=cause,
        sentence=" ".join(filter(None, parts)),
        knob=knob_for(cause, analysis),
        verify=verify_for(cause),
        confidence=confidence_in(analysis, shares, cause),
        evidence=gather_evidence(analysis, shares, cause, gaps),
    )


def _idle_sentence(gaps: GapSummary | None, preprocess_ops: str) -> str:
    if gaps is None or not gaps.timeline.window.duration_ns:
        return ""
    name = gaps.timeline.name if gaps.timeline.is_device else "Model execution on the CPU"
    parts = [
        f"{ratio:.0%} {IDLE_TEXT[cause]}{preprocess_ops if cause is IdleCause.PREPROCESS else ''}"
        for cause, ratio in largest_causes(gaps)
    ]
    text = f"{name} stood idle {window_ratio(gaps, gaps.idle_ns):.0%} of the window"
    return f"{text}: {', '.join(parts)}." if parts else f"{text}."


def _not_recorded(analysis: Analysis, reason: Unavailable) -> Verdict:
    return Verdict(
        cause="not-recorded",
        sentence=f"No verdict: {reason.reason}.",
        knob="",
        verify="Capture again with --host-tracer-level 2.",
        confidence="high" if analysis.tracer_level == 1 else "medium",
        evidence=(),
    )


def _no_requests(analysis: Analysis) -> Verdict:
    counts = analysis.counts
    cut = counts.censored + counts.censored_batches
    window = f"{analysis.capture.window.duration_ns / 1e9:.2f} s"
    quiet = all(gaps.no_demand_ns == gaps.timeline.window.duration_ns for gaps in analysis.idle)
    if cut or not analysis.idle or not quiet:
        sentence = (
            f"No request began and ended within the {window} recorded, though "
            + (f"parts of {cut} were seen" if cut else "something was at work")
            + ": requests take longer than the window, or this is not a serving trace."
        )
        verify = "Capture the server again, for longer (--duration)."
    else:
        sentence = f"No request reached the model in the {window} recorded: no demand."
        verify = "Capture again under load (--wait-for-traffic)."
    return Verdict(
        cause="no-requests",
        sentence=sentence,
        knob="",
        verify=verify,
        confidence="high",
        evidence=(
            Evidence("requests cut by the window", cut, "requests", "counts"),
            Evidence("events", counts.events, "events", "trace"),
            Evidence("window", analysis.capture.window.duration_ns, "ns", "trace"),
        ),
    )
