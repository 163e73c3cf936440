"""The recording lacks so much that it may show the smaller part of what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.findings.metrics import check
from diag.findings.truncation import CutRequests, LateGpus, LostEvents, find_truncation
from diag.model.availability import Unavailable
from diag.model.finding import (
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
from diag.model.quantity import duration

if TYPE_CHECKING:
    from diag.findings.inputs import RuleInputs
    from diag.findings.truncation import Truncation
    from diag.model.finding import Check

ID = "trace-truncated"
_CAUSES = {LostEvents: "lost-events", LateGpus: "gpu-traced-late", CutRequests: "cut-requests"}


def find(inputs: RuleInputs) -> Finding | None:
    """GPU events were lost, GPUs traced late, or most requests cut by the window's edges.

    Lost events are the tracer's own count (analysis/device/loss.py).
    """
    found = find_truncation(inputs)
    if found is None:
        return None
    return Finding(
        id=ID,
        cause=_CAUSES[type(found)],
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        confidence_reason="The trace itself tells what is missing.",
        what=_sentence(found),
        evidence=_evidence(found),
        counter_evidence=(),
        remedies=(_remedy(found),),
        gain=Unavailable("another recording changes nothing of the server"),
        verify=(_check(inputs, found),),
        rollback="",
        tier=Tier.VISIBILITY,
        at_stake_ns=inputs.shares.mean_ns,
    )


def _sentence(found: Truncation) -> str:
    if isinstance(found, LostEvents):
        return (
            f"The trace lost {found.lost:,} GPU events and has {found.kept:,}: how long the GPU "
            "worked, and for what it waited, is not known."
        )
    if isinstance(found, LateGpus):
        return (
            f"GPUs were traced for {duration(found.traced_ns)} of {duration(found.window_ns)} "
            "only: of the time before, nothing is known of the GPU."
        )
    return (
        f"Requests cut by the window's edges: {found.cut:,}; whole: {found.whole:,}. Long requests "
        "are missing among the whole ones."
    )


def _evidence(found: Truncation) -> tuple[Evidence, ...]:
    if isinstance(found, LostEvents):
        return (
            Evidence("GPU events lost", found.lost, "events", Source("trace", "warnings")),
            Evidence("GPU events recorded", found.kept, "events", Source("devices")),
        )
    if isinstance(found, LateGpus):
        return (
            Evidence("time in which GPUs were traced", found.traced_ns, "ns", Source("devices")),
            Evidence("window", found.window_ns, "ns", Source("trace")),
        )
    return (
        Evidence("requests cut by the window", found.cut, "requests", Source("requests")),
        Evidence("whole requests", found.whole, "requests", Source("requests")),
    )


def _remedy(found: Truncation) -> Remedy:
    if isinstance(found, LostEvents):
        action = "Record for a shorter time (--duration), so that all GPU events find room."
    elif isinstance(found, LateGpus):
        action = (
            "Record again: the first recording of a server also pays for starting the GPU's tracer."
        )
    else:
        action = "Record for longer (--duration): ten times as long as slow requests take."
    return Remedy(RemedyKind.CAPTURE, RemedyPlace.CAPTURE_COMMAND, action)


def _check(inputs: RuleInputs, found: Truncation) -> Check:
    if isinstance(found, LostEvents):
        return check(inputs.analysis, "device.lost", high=0)
    if isinstance(found, LateGpus):
        return check(inputs.analysis, "device.traced", low=0.9)
    return check(inputs.analysis, "requests.complete", low=found.cut + found.whole)
