"""What limits the confidence of every cause on a timeline."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.execution.device_work import Device
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.samples.metrics import summarize_metrics
from diag.analysis.thresholds import CLOCK_ERROR_UNKNOWN_NS
from diag.model.availability import Unavailable
from diag.model.device import DeviceClock


@dataclass(frozen=True, slots=True)
class Certainty:
    """Limits of confidence on one timeline.

    Attributes:
        clock_error_ns: Error of the device's clock against the host's; 0 on the host's own
            timeline.
        clock_is_checked: Whether a launch and its kernel show that error.
        shows_all_requests: Whether any request would have left an event.
    """

    clock_error_ns: int
    clock_is_checked: bool
    shows_all_requests: bool


def find_certainty(inputs: IdleInputs, device: Device | None) -> Certainty:
    """Find the limits for a device, or for the execution on the CPU where ``device`` is None."""
    clock = inputs.visibility.clock
    shows_all = _shows_all_requests(inputs)
    if device is None:
        return Certainty(0, clock_is_checked=True, shows_all_requests=shows_all)
    if isinstance(clock, DeviceClock) and clock.linked:
        return Certainty(clock.error_ns, clock_is_checked=True, shows_all_requests=shows_all)
    return Certainty(CLOCK_ERROR_UNKNOWN_NS, clock_is_checked=False, shows_all_requests=shows_all)


def _shows_all_requests(inputs: IdleInputs) -> bool:
    """Whether the server's counters show no response, or the trace records every kind of request.

    Idle time in which a request cut by the window may be open is never called no-demand.
    """
    metrics, level = inputs.capture.metrics, inputs.visibility.level
    if not isinstance(metrics, Unavailable):
        models = summarize_metrics(metrics)
        counted = [m.responses for m in models if not isinstance(m.responses, Unavailable)]
        if models and len(counted) == len(models) and not any(counted):
            return True
    return isinstance(level, int) and level >= 2 and len(inputs.requests.table) > 0
