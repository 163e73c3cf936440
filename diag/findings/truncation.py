"""What a recording lacks: lost GPU events, GPUs traced late, requests cut by the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diag.findings import thresholds
from diag.findings.device import is_saturated
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.findings.inputs import RuleInputs


class LostEvents(NamedTuple):
    """GPU events that the tracer lost, and those that it kept."""

    lost: int
    kept: int


class LateGpus(NamedTuple):
    """Time in which GPUs were traced, and the window, ns."""

    traced_ns: int
    window_ns: int


class CutRequests(NamedTuple):
    """Requests cut by an edge of the window, and whole ones."""

    cut: int
    whole: int


Truncation = LostEvents | LateGpus | CutRequests


def find_truncation(inputs: RuleInputs) -> Truncation | None:
    """What lacks ``LOST_MAX_SHARE`` or more of itself; None where that cannot change a verdict.

    A GPU that is busy all the time without the lost events is so with them, too.
    """
    analysis = inputs.analysis
    if inputs.on_device and not is_saturated(inputs):
        events = _lost_events(analysis)
        if _is_large(events.lost, events.kept):
            return events
        traced_ns, window_ns = inputs.window_ns, analysis.capture.window.duration_ns
        if _is_large(window_ns - traced_ns, traced_ns):
            return LateGpus(traced_ns, window_ns)
    complete = analysis.counts.complete
    if not isinstance(complete, Unavailable) and _is_large(analysis.counts.censored, complete):
        return CutRequests(analysis.counts.censored, complete)
    return None


def traced_ratio(analysis: Analysis) -> float | Unavailable:
    """Part of the window in which GPUs were traced."""
    windows = [each.window for each in analysis.timelines if each.is_device]
    if not windows:
        return Unavailable("the trace has no events of a GPU")
    return windows[0].duration_ns / max(1, analysis.capture.window.duration_ns)


def _lost_events(analysis: Analysis) -> LostEvents:
    kept = sum(each.kernels + each.copies + each.memsets for each in analysis.devices)
    return LostEvents(analysis.device_loss.dropped, kept)


def _is_large(lost: int, kept: int) -> bool:
    return lost > 0 and lost >= thresholds.LOST_MAX_SHARE * (lost + kept)
