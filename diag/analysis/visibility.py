"""What the trace can and cannot show: tracer level, hidden requests, the devices' clock, losses."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.availability import Unavailable
from diag.model.device import DeviceClock, DeviceLoss
from diag.model.intervals import IntervalSet
from diag.model.program import Program
from diag.model.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """The limits of a recording.

    Attributes:
        program: What kind of program was recorded; one that is no server has no requests.
        level: The tracer level, 1 to 3.
        hidden_requests: Why requests may have run that the trace does not show, or None.
        hidden_work: When such requests may have been open.
        clock: How well the devices' clock was matched to the host's.
        loss: Which device events are missing.
        device_window: The part of the window in which GPUs were traced.
    """

    program: Program
    level: int | Unavailable
    hidden_requests: Unavailable | None
    hidden_work: IntervalSet
    clock: DeviceClock | Unavailable
    loss: DeviceLoss
    device_window: Window
