"""What stopped the machine while a request was open, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import IDLE_CAUSES, IdleCause
from diag.report.notes import note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.analysis.result import Analysis
    from diag.report.model import Note

# Causes that concern every request that is open, not only those that wait for the device.
MACHINE_CAUSES = (
    IdleCause.THROTTLED,
    IdleCause.MODEL_LOAD,
    IdleCause.COLD_START,
    IdleCause.ALLOCATOR,
    IdleCause.PROFILER,
)


def describe_events(analysis: Analysis, request: int) -> Iterator[Note]:
    """A note for each such cause, with its time while the request was open."""
    gaps = analysis.gaps
    low, high = analysis.requests.start_ns[request], analysis.requests.end_ns[request]
    inside = np.minimum(gaps.end_ns, high) - np.maximum(gaps.start_ns, low)
    for index, timeline in enumerate(analysis.timelines):
        mine = (gaps.timeline_index == index) & (inside > 0)
        sums = np.bincount(gaps.cause_index[mine], inside[mine], len(IDLE_CAUSES))
        for cause in MACHINE_CAUSES:
            if sums[cause.index] > 0:
                yield note(
                    "While it was open, {device} was idle for {time}: {cause}.",
                    style="item",
                    device=(timeline.name, ""),
                    time=(int(sums[cause.index]), "ns"),
                    cause=(cause.value, ""),
                )
