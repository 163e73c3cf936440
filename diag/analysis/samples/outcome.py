"""What a comparison of samples with the trace means, and which processes explain it."""

from __future__ import annotations

from typing import NamedTuple

from diag.analysis.execution.device_work import Device
from diag.analysis.samples.comparison import Comparison, ends_early
from diag.analysis.samples.processes import DeviceProcesses, share_of
from diag.analysis.samples.readings import Readings
from diag.analysis.thresholds import AGREE_MAX_RATIO, OTHERS_EXPLAIN_RATIO
from diag.model.agreement import (
    AgreementKind,
    AgreementReason,
    Averaging,
    AveragingKind,
    OtherProcess,
)
from diag.model.device import DeviceLoss
from diag.model.window import Window


class Outcome(NamedTuple):
    """The judgement of one comparison; attributes as of ``Agreement``."""

    kind: AgreementKind
    reason: AgreementReason
    involved: tuple[OtherProcess, ...] = ()
    remedy: str = ""


def judge(
    device: Device,
    readings: Readings,
    result: Comparison,
    on_device: DeviceProcesses,
    loss: DeviceLoss,
    window: Window,
) -> Outcome:
    """Judge a comparison.

    Args:
        device: Its work in the trace.
        readings: That were compared.
        result: Of the comparison.
        on_device: The processes seen on the GPU.
        loss: What the tracer reported as lost.
        window: Of the trace.
    """
    if result.excess > AGREE_MAX_RATIO:
        others = _to_blame(on_device, result, loss)
        if sum(map(share_of, others)) >= OTHERS_EXPLAIN_RATIO * result.excess:
            kind, reason = AgreementKind.OTHER_PROCESS, AgreementReason.OTHERS_WORK_TOO
            return Outcome(kind, reason, others, "dedicate-gpu")
        if loss.dropped:
            kind, reason = AgreementKind.TRACE_TRUNCATED, AgreementReason.EVENTS_DROPPED
            return Outcome(kind, reason, remedy="capture-shorter")
        if ends_early(readings, device.kernels, device.memsets, device.end_ns, window):
            kind, reason = AgreementKind.TRACE_TRUNCATED, AgreementReason.ENDS_EARLY
            return Outcome(kind, reason, remedy="capture-shorter")
        return _unexplained(on_device, result)
    if result.deficit > AGREE_MAX_RATIO:
        return Outcome(AgreementKind.DISAGREE, AgreementReason.TRACE_ABOVE_SAMPLES)
    if result.cannot_contradict:
        return Outcome(AgreementKind.TOO_COARSE, AgreementReason.CLOCKS_TOO_LOOSE)
    return Outcome(AgreementKind.AGREE, _why_they_agree(readings, result))


def _why_they_agree(readings: Readings, result: Comparison) -> AgreementReason:
    averaging = readings.averaging
    if isinstance(averaging, Averaging) and averaging.kind is AveragingKind.SM_ACTIVITY:
        return AgreementReason.SM_ACTIVITY
    if result.sampled > result.traced + result.tolerance:
        return AgreementReason.SHORT_GAPS
    return AgreementReason.WITHIN_TOLERANCE


def _unexplained(on_device: DeviceProcesses, result: Comparison) -> Outcome:
    """More was sampled than the trace holds, and no process explains it."""
    kind = AgreementKind.DISAGREE
    if result.deficit > result.excess:
        return Outcome(kind, AgreementReason.TRACE_ABOVE_SAMPLES)
    if not on_device.rest and on_device.server is None:
        return Outcome(kind, AgreementReason.PROCESSES_UNKNOWN)
    if on_device.knows_server:
        if on_device.at_work:
            return Outcome(kind, AgreementReason.OTHERS_TOO_SMALL, on_device.at_work)
        if on_device.rest:
            return Outcome(kind, AgreementReason.OTHERS_IDLE)
        return Outcome(kind, AgreementReason.NO_OTHERS)
    if on_device.at_work:
        return Outcome(kind, AgreementReason.SERVER_UNKNOWN, on_device.at_work)
    return Outcome(kind, AgreementReason.SHARES_UNKNOWN)


def _to_blame(
    on_device: DeviceProcesses, result: Comparison, loss: DeviceLoss
) -> tuple[OtherProcess, ...]:
    """Processes with sampled work that are certainly not the server.

    If the server's own process is not known, a process sampled far busier than the whole trace is
    another one only if the trace can be of a second process with sampled work.
    """
    if on_device.knows_server:
        return on_device.at_work
    if loss.dropped:
        return ()
    at_work = on_device.at_work
    busier = [each for each in at_work if share_of(each) > result.traced + result.tolerance]
    return tuple(busier) if len(busier) < len(at_work) else ()
