"""The finding about a trace of another program than a model server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.device import traced_text
from diag.model.availability import Unavailable
from diag.model.finding import (
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
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.program import PROGRAM_NAMES, ProgramKind

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, GapSummary

ID = "not-serving"
_RATIO_FORMAT = ".1%"


def not_serving(analysis: Analysis) -> Finding:
    """The one finding of such a trace."""
    program = analysis.program
    where = Source("capture", "program")
    events = [(printable(name, NAME_MAX_CHARS), count) for name, count in program.evidence]
    seen = ", ".join(f"{name} ({count:,})" for name, count in events)
    # A server may run XLA, too, and at level 1 its unbatched requests leave no event.
    is_recorded = analysis.tracer_level not in (0, 1)
    is_sure = program.kind is not ProgramKind.XLA and is_recorded
    return Finding(
        id=ID,
        cause=program.kind.value,
        severity=Severity.WARNING,
        confidence=Confidence.HIGH if is_sure else Confidence.MEDIUM,
        confidence_reason=(
            f"Names of events show it: {seen}. No event is of a request"
            + ("" if is_recorded else ", but at tracer level 1 unbatched requests leave none")
        ),
        what=(
            f"This is not a trace of TensorFlow Serving: it is of {PROGRAM_NAMES[program.kind]}. "
            "diag explains the time of requests, and this trace has none."
        ),
        evidence=(
            *(Evidence(name, count, "events", where) for name, count in events),
            Evidence("events", analysis.counts.events, "events", Source("capture", "events")),
            Evidence(
                "window", analysis.capture.window.duration_ns, "ns", Source("capture", "window")
            ),
            *(_busy(gaps) for gaps in analysis.idle),
        ),
        counter_evidence=(CounterEvidence("an event of a request", found=False),),
        remedies=(
            Remedy(
                RemedyKind.CAPTURE,
                RemedyPlace.CAPTURE_COMMAND,
                "To diagnose a server, run diag capture HOST:PORT with the address of the serving "
                "replica. To look into this program, open the trace in the Profile tab of "
                "TensorBoard (xprof).",
            ),
        ),
        gain=Unavailable("the trace has no request"),
        verify=(),
        rollback="",
        tier=Tier.VISIBILITY,
        at_stake_ns=0.0,
    )


def _busy(gaps: GapSummary) -> Evidence:
    timeline = gaps.timeline
    return Evidence(
        f"{timeline.name} busy", _busy_ratio(gaps), "ratio", Source("idle_overview", timeline.name)
    )


def _busy_ratio(gaps: GapSummary) -> float:
    return gaps.timeline.busy_ns / max(1, gaps.timeline.window.duration_ns)


def busy_sentence(analysis: Analysis) -> str:
    """How busy the GPUs were, or else the CPU with TensorFlow's ops; "" if neither is known."""
    gpus = [gaps for gaps in analysis.idle if gaps.timeline.is_device]
    if not gpus:
        if not analysis.idle:
            return ""
        ratio = f"{_busy_ratio(analysis.idle[0]):{_RATIO_FORMAT}}"
        return f"TensorFlow ops ran on the CPU for {ratio} of the window."
    ratios = [_busy_ratio(gaps) for gaps in gpus]
    if len(gpus) == 1:
        name = printable(gpus[0].timeline.name, NAME_MAX_CHARS)
        return f"{name} was busy {ratios[0]:{_RATIO_FORMAT}} of {traced_text(analysis)}."
    least, most = (f"{ratio:{_RATIO_FORMAT}}" for ratio in (min(ratios), max(ratios)))
    return f"The {len(gpus)} GPUs were busy {least} to {most} of {traced_text(analysis)}."
