"""From when on the GPUs were traced.

The GPU tracer starts after the host's, and the first time in a process it may take seconds. It
reads the clock as it starts, and all its lines begin at that time (``XLine.timestamp_ns``;
xla/backends/profiler/gpu/cupti_collector.cc and rocm_collector.cc). Before that, nothing is known
of the GPUs: neither work nor idle time.

The collector reads the clock before CUPTI starts, so the lines may begin seconds before the first
event can be recorded. It shows where runs of a graph had no GPU work at first, and later runs of
the same graph had: then the GPUs are known from the tracer's first event on.

In a program without requests nothing tells a GPU that had no work from a tracer that had not
started yet: in recordings of training and of JAX nothing at all is recorded for up to 98 % of the
window, while CUPTI starts. There the GPUs are known from the tracer's first event on.
"""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.device_lines import STREAM_PREFIX
from diag.analysis.execution.execution import Execution
from diag.analysis.execution.graph_marks import find_graph_marks
from diag.analysis.thresholds import (
    MIN_GPU_RUNS_SHARE,
    MIN_UNTRACED_RATIO,
    MIN_UNTRACED_RUNS,
)
from diag.model.window import Window


def find_device_window(execution: Execution, window: Window, *, has_requests: bool) -> Window:
    """The part of the window in which GPUs were traced; all of it without a GPU event.

    Args:
        execution: What ran on host and devices.
        window: Of the capture.
        has_requests: False for a program that is no server.
    """
    work, host = execution.device, execution.events
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
    lines_ns = min(min(starts), first_ns)
    least_ns = MIN_UNTRACED_RATIO * window.duration_ns
    start_ns = lines_ns
    if not has_requests or (
        first_ns - lines_ns >= least_ns and _ran_untraced(execution, lines_ns, first_ns)
    ):
        start_ns = first_ns
    if start_ns - window.start_ns < least_ns or start_ns >= window.end_ns:
        return window
    return Window(start_ns, window.end_ns)


def _ran_untraced(execution: Execution, lines_ns: int, first_ns: int) -> bool:
    """Whether graphs that use a GPU ran after the lines began and before the first event."""
    steps, used = execution.steps, execution.device.used
    graph = find_graph_marks(execution.events, steps, execution.op_class)
    whole = ~steps.is_orphan & steps.is_root & ~execution.calls.loading & (graph >= 0)
    before = whole & (steps.start_ns >= lines_ns) & (steps.end_ns <= first_ns)
    if np.count_nonzero(before) < MIN_UNTRACED_RUNS:
        return False
    after = whole & (steps.end_ns > first_ns)
    runs = np.bincount(graph[after])
    with_gpu = np.bincount(graph[after & used], minlength=len(runs))
    needing = np.flatnonzero((runs > 0) & (with_gpu >= MIN_GPU_RUNS_SHARE * runs))
    return int(np.count_nonzero(before & np.isin(graph, needing))) >= MIN_UNTRACED_RUNS
