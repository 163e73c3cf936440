"""What the causes of idle time are found in."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.execution.execution import Execution
from diag.analysis.requests.attribution import AttributedRequests
from diag.analysis.visibility import Visibility
from diag.model.capture import Capture


@dataclass(frozen=True, slots=True, eq=False)
class IdleInputs:
    """Everything known about a window.

    Attributes:
        capture: What was recorded: window, samples, clocks, metrics.
        execution: What ran on host and devices.
        requests: Requests and batches, with the steps and tasks behind them.
        visibility: What the recording cannot show.
    """

    capture: Capture
    execution: Execution
    requests: AttributedRequests
    visibility: Visibility
