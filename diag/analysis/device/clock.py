"""How well the device's clock was matched to the host's.

The tracer reads both clocks once, one after the other, when it starts, and uses that offset for the
whole window (cupti_collector.cc NormalizeTimeStamps, TensorFlow 2.21). An event that seems to begin
before the call that launched it shows the least error of the offset. diag does not correct times by
it: the error of other events can be larger.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.device_work import DeviceWork
from diag.model.availability import Unavailable
from diag.model.device import DeviceClock
from diag.model.events import EventTable


def find_clock(device: DeviceWork, host: EventTable) -> DeviceClock | Unavailable:
    """Count device events that begin before their launch, and by how much at most.

    Args:
        device: Device work in the trace.
        host: Events of the host plane.
    """
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
