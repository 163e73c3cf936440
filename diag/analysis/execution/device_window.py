"""From when on the GPUs were traced.

The GPU tracer starts after the host's, and the first time in a process it may take seconds. It
reads the clock as it starts, and all its lines begin at that time (``XLine.timestamp_ns``;
xla/backends/profiler/gpu/cupti_collector.cc and rocm_collector.cc). Before that, nothing is known
of the GPUs: neither work nor idle time.

In a program without requests nothing tells a GPU that had no work from a tracer that had not
started yet: in recordings of training and of JAX nothing at all is recorded for up to 98 % of the
window, while CUPTI starts. There the GPUs are known from the tracer's first event on.
"""

from __future__ import annotations

from diag.analysis.execution.device_lines import STREAM_PREFIX
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.thresholds import MIN_UNTRACED_RATIO
from diag.model.events import EventTable
from diag.model.window import Window


def find_device_window(
    work: DeviceWork, host: EventTable, window: Window, *, has_requests: bool
) -> Window:
    """The part of the window in which GPUs were traced; all of it without a GPU event.

    Args:
        work: Work on all GPUs.
        host: Events of the host plane.
        window: Of the capture.
        has_requests: False for a program that is no server.
    """
    starts = [
        line.origin_ns
        for device in work.devices
        for line in device.plane.lines
        if line.name.startswith(STREAM_PREFIX)
    ]
    first = [int(d.plane.events.start_ns.min()) for d in work.devices if len(d.plane.events)]
    if not starts or not first:
        return window
    launch_ns = host.start_ns[work.launches.row]
    first_ns = min(*first, int(launch_ns.min(initial=first[0])))
    start_ns = min(min(starts), first_ns) if has_requests else first_ns
    untraced_ns = start_ns - window.start_ns
    if untraced_ns < MIN_UNTRACED_RATIO * window.duration_ns or start_ns >= window.end_ns:
        return window
    return Window(start_ns, window.end_ns)
