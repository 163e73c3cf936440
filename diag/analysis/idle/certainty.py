"""What limits how sure any cause can be: the device's clock, and requests that leave no mark."""

from __future__ import annotations

from diag.analysis.execution.device_work import Device
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.samples.metrics import summarize_metrics
from diag.analysis.thresholds import CLOCK_ERROR_UNKNOWN_NS
from diag.model.availability import Unavailable
from diag.model.device import DeviceClock


def clock_error(inputs: IdleInputs, device: Device | None) -> tuple[int, bool]:
    """Error in ns of the device's clock against the host's, and whether any launch tells it.

    The execution on the CPU (``device`` None) is on the host's own clock.
    """
    if device is None:
        return 0, True
    if isinstance(inputs.visibility.clock, DeviceClock) and inputs.visibility.clock.linked:
        return inputs.visibility.clock.error_ns, True
    return CLOCK_ERROR_UNKNOWN_NS, False


def is_sure_of_no_demand(inputs: IdleInputs) -> bool:
    """Whether a request, had there been one, would have left a mark.

    By the server's counters nothing was answered; or every kind of request is recorded, and at
    least one was. What may lie open at the edges without a mark is not called no-demand at all.
    """
    metrics = inputs.capture.metrics
    if not isinstance(metrics, Unavailable):
        models = summarize_metrics(metrics)
        if models and not any(model.responses for model in models):
            return True
    return (
        isinstance(inputs.visibility.level, int)
        and inputs.visibility.level >= 2
        and len(inputs.requests.table) > 0
    )
