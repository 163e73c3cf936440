"""How well the device's clock was matched to the host's.

At the tracer's start both are read once, back to back, and that one offset serves the whole window
(cupti_collector.cc NormalizeTimeStamps, TensorFlow 2.21). What seems to begin before the call that
launched it shows by how much that is off at least. Times are left as they are: one error found
does not prove the offset right for all others.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.device_work import DeviceWork
from diag.model.availability import Unavailable
from diag.model.device import DeviceClock
from diag.model.events import EventTable


def find_clock(device: DeviceWork, host: EventTable) -> DeviceClock | Unavailable:
    """Count what begins before its launch, and by how much at most."""
    if not device.devices:
        return Unavailable("no device event was recorded")
    linked = [each.events.launch >= 0 for each in device.devices]
    lead = np.concatenate(
        [
            host.start_ns[each.events.launch[seen]] - each.events.start_ns[seen]
            for each, seen in zip(device.devices, linked, strict=True)
        ]
    )
    return DeviceClock(
        linked=len(lead), early=int((lead > 0).sum()), error_ns=max(0, int(lead.max(initial=0)))
    )
