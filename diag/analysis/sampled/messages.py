"""The outcome of a cross-check in a sentence, with what to do."""

from __future__ import annotations

from diag.analysis.cupti_access import fix_for, numbered_fixes
from diag.analysis.sampled.comparison import Comparison
from diag.analysis.sampled.nvml import SM_ACTIVITY
from diag.analysis.sampled.processes import Occupants, share_of
from diag.analysis.sampled.readings import Readings
from diag.analysis.thresholds import SAMPLER_BLIND_NS
from diag.model.availability import Unavailable
from diag.model.device import AgreementKind, DeviceLoss, OtherProcess
from diag.model.window import Window

SOURCE_NAMES = {"nvml": "NVML", "agent": "NVML by the agent", "dcgm": "the DCGM exporter"}

_PROCESSES_MAX = 3


def source_name(source: str, *, at_start: bool = False) -> str:
    """A source as a sentence calls it."""
    name = SOURCE_NAMES.get(source, source)
    return name[:1].upper() + name[1:] if at_start else name


def describe_unchecked(source: str, device: str, reason: str) -> str:
    """Nothing could be compared."""
    return f"{source_name(source, at_start=True)} cannot check {device}: {reason}."


def no_overlap_reason(readings: Readings, window: Window) -> str:
    """Why no reading lies in the window.

    Args:
        readings: All there are.
        window: Of the trace.
    """
    if not len(readings):
        return readings.averaging
    reason = f"no sample's own time lies within the window of {window.duration_ns / 1e9:.2f} s"
    return f"{reason} ({readings.averaging})"


def describe_checked(
    kind: AgreementKind,
    source: str,
    device: str,
    readings: Readings,
    result: Comparison,
    seen: Occupants,
    blamed: tuple[OtherProcess, ...],
    loss: DeviceLoss,
) -> str:
    """What came of comparing."""
    sampled = f"{result.sampled:.0%} of {result.overlap_ns / 1e9:.2f} s"
    what = "SM activity of" if readings.field == SM_ACTIVITY else "a kernel running in"
    facts = (
        f"{source_name(source, at_start=True)} saw {what} {sampled} on {device}, the trace "
        f"{result.traced:.0%}"
    )
    return f"{facts}: {_verdict(kind, readings, result, seen, blamed, loss)}."


def _verdict(
    kind: AgreementKind,
    readings: Readings,
    result: Comparison,
    seen: Occupants,
    blamed: tuple[OtherProcess, ...],
    loss: DeviceLoss,
) -> str:
    if kind is AgreementKind.AGREE:
        within = f"within {100 * result.tolerance:.0f} points"
        if readings.field == SM_ACTIVITY:
            return f"no more than the trace explains, {within} ({readings.averaging})"
        if result.sampled > result.traced + result.tolerance:
            within = f"if gaps of less than {SAMPLER_BLIND_NS // 1000} us between kernels count"
        return f"they agree {within} ({readings.averaging}; copies count in neither)"
    if kind is AgreementKind.TOO_COARSE:
        return (
            f"that is no check, for {readings.averaging}, and the clocks leave the trace's share "
            f"open by {100 * result.width:.0f} points"
        )
    if kind is AgreementKind.OTHER_PROCESS:
        return f"{named(blamed)} used the GPU too; keep it off, or give the server a GPU of its own"
    if kind is AgreementKind.TRACE_TRUNCATED:
        lost = (
            f"the tracer dropped {loss.dropped:,} events"
            if loss.dropped
            else "the trace's last event on this GPU comes long before the samples grow quiet"
        )
        return f"{lost}; capture for less long"
    if result.deficit > result.excess:
        return (
            "the trace holds more than was sampled; the samples may be of another GPU, or a clock "
            "was set"
        )
    return f"more than the trace explains, and {_no_culprit(seen)}"


def _no_culprit(seen: Occupants) -> str:
    """Why nobody is blamed."""
    if not seen.rest and seen.server is None:
        return "which processes used the GPU is not known"
    if seen.knows_server:
        if seen.at_work:
            return f"{named(seen.at_work)} is too little to make it up"
        if seen.rest:
            return "the other processes only hold memory, as far as the driver tells"
        return "no other process was seen"
    if seen.at_work:
        return f"whether {named(seen.at_work)} is the server itself is not known"
    return "the driver tells no process's share"


def named(processes: tuple[OtherProcess, ...]) -> str:
    """``process 77 (python3) at 40 %``, and so on."""
    each = []
    for process in processes[:_PROCESSES_MAX]:
        name = "" if isinstance(process.name, Unavailable) else f" ({process.name})"
        each.append(f"process {process.pid}{name} at {share_of(process):.0%}")
    more = len(processes) - _PROCESSES_MAX
    return ", ".join(each) + (f" and {more} more" if more > 0 else "")


def describe_untraced(
    kind: AgreementKind,
    source: str,
    device: str,
    share: float | Unavailable,
    over: str,
    seen: Occupants,
    blamed: tuple[OtherProcess, ...],
    loss: DeviceLoss,
    *,
    was_asked: bool,
    with_fixes: bool,
) -> str:
    """What the samples say of a GPU that the trace holds nothing of.

    Args:
        kind: The outcome.
        source: Of the samples.
        device: As a sentence calls it.
        share: Busy by the samples.
        over: The time that they tell of.
        seen: The processes on it.
        blamed: Those of them that the outcome names.
        loss: What the tracer said.
        was_asked: Whether GPUs were to be traced.
        with_fixes: Whether to tell what brings the plane back.
    """
    if isinstance(share, Unavailable):
        return (
            f"The trace holds nothing of {device}, and its utilization is not known: "
            f"{share.reason}."
        )
    facts = f"{source_name(source, at_start=True)} saw {device} {share:.0%} busy {over}"
    if kind is AgreementKind.AGREE:
        return f"{facts}: that the trace holds nothing of it is no loss."
    if kind is AgreementKind.OTHER_PROCESS:
        return f"{facts}, with {named(blamed)}; the server itself was not seen at work on it."
    if not was_asked:
        return f"{facts}, and GPUs were left out of the trace; capture without --no-device-trace."
    if not with_fixes:
        return f"{facts}, and the trace holds nothing of it either."
    facts = f"{facts}, and the trace holds nothing of it."
    if loss.errors:
        facts += f" The tracer said: {loss.errors[0]}."
    told = fix_for(loss.errors)
    if told:
        return f"{facts} {told}"
    lead = (
        "CUPTI was refused, or another tool holds it"
        if seen.knows_server
        else "If that is the server's work, CUPTI was refused or is taken"
    )
    return f"{facts} {lead}: {numbered_fixes()}."
