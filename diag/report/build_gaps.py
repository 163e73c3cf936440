"""Idle time by cause, as it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.gaps import IDLE_CAUSES, GapTable, IdleCause
from diag.report.report import GapPart, TimelinePart

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, GapSummary


def timeline_parts(analysis: Analysis) -> tuple[TimelinePart, ...]:
    """One part a timeline, its causes with the most idle time first."""
    return tuple(_timeline_part(analysis, summary) for summary in analysis.idle)


def _timeline_part(analysis: Analysis, summary: GapSummary) -> TimelinePart:
    timeline = summary.timeline
    window_ns = timeline.window.duration_ns
    index = analysis.timelines.index(timeline)
    gaps = [
        _gap_part(analysis.gaps, index, cause, idle_ns, summary.idle_ns, window_ns)
        for cause, idle_ns in summary.by_cause_ns.items()
        if idle_ns
    ]
    return TimelinePart(
        timeline=timeline.name,
        is_device=timeline.is_device,
        busy_ns=timeline.busy_ns,
        idle_ns=summary.idle_ns,
        starved_ns=summary.starved_ns,
        no_demand_ns=summary.no_demand_ns,
        busy_share=_share(timeline.busy_ns, window_ns),
        idle_share=_share(summary.idle_ns, window_ns),
        starved_share=_share(summary.starved_ns, window_ns),
        no_demand_share=_share(summary.no_demand_ns, window_ns),
        gaps=tuple(sorted(gaps, key=lambda gap: -gap.idle_ns)),
    )


def _gap_part(
    gaps: GapTable, timeline_index: int, cause: IdleCause, idle_ns: int, all_ns: int, of_ns: int
) -> GapPart:
    mine = (gaps.timeline_index == timeline_index) & (gaps.cause_index == IDLE_CAUSES.index(cause))
    lengths_ns = (gaps.end_ns - gaps.start_ns)[mine]
    return GapPart(
        cause=cause.value,
        starvation=cause.is_starvation,
        pieces=int(np.count_nonzero(mine)),
        idle_ns=idle_ns,
        longest_ns=int(lengths_ns.max(initial=0)),
        share_of_idle=_share(idle_ns, all_ns),
        share_of_window=_share(idle_ns, of_ns),
    )


def _share(part_ns: int, whole_ns: int) -> float:
    """0 to 1; 0 of an empty whole."""
    return part_ns / whole_ns if whole_ns else 0.0
