"""What the rules for idle time look at: the taken-apart trace, and what was sampled beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diag.analysis.attribution.ledger import Ledger
from diag.analysis.attribution.origins import Origins
from diag.analysis.columns.intervals import Set
from diag.analysis.execution.closures import Closures
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.execution.host_calls import HostCalls
from diag.analysis.execution.step_stages import StepStages
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import DeviceClock, DeviceLoss
from diag.model.events import Plane
from diag.model.serving import RequestTable


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything known about a window.

    Attributes:
        capture: What was recorded: window, samples, clocks, metrics.
        host: The host plane.
        op_class: OpClass by index into ``EventTable.names``.
        device: Work on GPUs.
        calls: Host events that explain idleness by themselves.
        staged: Steps cut into stages.
        ledger: Steps, calls, batches, tasks and queues.
        requests: The request table.
        origins: The events behind its rows.
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
    ledger: Ledger
    requests: RequestTable
    origins: Origins
    closures: Closures
    unseen: Set
    level: int | Unavailable
    clock: DeviceClock | Unavailable
    loss: DeviceLoss
