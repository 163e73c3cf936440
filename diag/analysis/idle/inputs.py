"""What the rules for idle time look at: the taken-apart trace, and what was sampled beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.execution.closures import Closures
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.host_calls import HostCalls
from diag.analysis.execution.step_stages import StepStages
from diag.analysis.requests.linked_steps import LinkedSteps
from diag.analysis.requests.sources import RequestSources
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import DeviceClock, DeviceLoss
from diag.model.events import Plane
from diag.model.intervals import IntervalSet
from diag.model.serving import RequestTable


@dataclass(frozen=True, slots=True)
class IdleInputs:
    """Everything known about a window.

    Attributes:
        capture: What was recorded: window, samples, clocks, metrics.
        host: The host plane.
        op_class: OpClass by index into ``EventTable.names``.
        device: Work on GPUs.
        calls: Host events that explain idleness by themselves.
        staged: Steps cut into stages.
        linked: Steps, calls, batches, tasks and queues.
        requests: The request table.
        sources: The events behind its rows.
        closures: What was handed to thread pools and when it began.
        unseen: When requests may have been open that the tracer level hides.
        level: The tracer level.
        clock: How well the devices' clock fits the host's.
        loss: What of the devices' events is missing.
    """

    capture: Capture
    host: Plane
    op_class: NDArray[np.int8]
    device: DeviceWork
    calls: HostCalls
    staged: StepStages
    linked: LinkedSteps
    requests: RequestTable
    sources: RequestSources
    closures: Closures
    unseen: IntervalSet
    level: int | Unavailable
    clock: DeviceClock | Unavailable
    loss: DeviceLoss
