"""Why devices, or model execution on the CPU, were idle."""

from __future__ import annotations

import numpy as np

from diag.analysis.result import Analysis
from diag.model.gaps import CONFIDENCES, IDLE_CAUSES
from diag.model.tracks import Slices, SliceTrack, TrackGroup

_CAUSE_NAMES = tuple(cause.value for cause in IDLE_CAUSES)
_CONFIDENCE_NAMES = tuple(f"confidence {level.value}" for level in CONFIDENCES)


def idle_group(analysis: Analysis) -> TrackGroup:
    """The gaps of each timeline; between them it is busy."""
    gaps = analysis.gaps
    tracks: list[SliceTrack] = []
    for index, timeline in enumerate(analysis.timelines):
        mine = np.flatnonzero(gaps.timeline_index == index)
        slices = Slices(
            start_ns=gaps.start_ns[mine],
            end_ns=gaps.end_ns[mine],
            name_id=gaps.cause_index[mine],
            names=_CAUSE_NAMES,
            label_id=gaps.confidence_index[mine],
            labels=_CONFIDENCE_NAMES,
        )
        tracks.append(SliceTrack(timeline.name, slices))
    return TrackGroup(
        "idle",
        "Idle time by cause. Where there is no slice, the device is busy.",
        is_recorded=False,
        tracks=tuple(tracks),
    )
