"""Idle time by cause, and the longest gaps, as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.availability import Unavailable
from diag.model.gaps import CONFIDENCES, IDLE_CAUSES, Confidence
from diag.report.gap_parts import CausePart, GapPart, LongGapPart, TimelinePart, WaitingPart
from diag.report.values import readable, share

if TYPE_CHECKING:
    from diag.analysis.result import Analysis, GapSummary
    from diag.model.events import Bools
    from diag.model.gaps import GapTable, IdleCause, LongGap, WaitingRequest

_NO_RUNNER_UP = Unavailable("no other evidence")
_CUT = Unavailable("the window cut it")


def timeline_parts(analysis: Analysis) -> tuple[TimelinePart, ...]:
    """One part a timeline, its causes with the most idle time first."""
    return tuple(_timeline_part(analysis, summary) for summary in analysis.idle)


def _timeline_part(analysis: Analysis, summary: GapSummary) -> TimelinePart:
    timeline = summary.timeline
    window_ns = timeline.window.duration_ns
    index = analysis.timelines.index(timeline)
    mine = analysis.gaps.timeline_index == index
    gaps = [
        _gap_part(analysis.gaps, mine, cause, summary.idle_ns, window_ns)
        for cause, idle_ns in summary.by_cause_ns.items()
        if idle_ns
    ]
    sure_ns = _by_confidence(analysis.gaps, mine)
    return TimelinePart(
        timeline=readable(timeline.name),
        is_device=timeline.is_device,
        busy_ns=timeline.busy_ns,
        idle_ns=summary.idle_ns,
        starved_ns=summary.starved_ns,
        no_demand_ns=summary.no_demand_ns,
        busy_share=share(timeline.busy_ns, window_ns),
        idle_share=share(summary.idle_ns, window_ns),
        starved_share=share(summary.starved_ns, window_ns),
        no_demand_share=share(summary.no_demand_ns, window_ns),
        waiting_ns=summary.waiting_ns,
        waiting_share=share(summary.waiting_ns, window_ns),
        recoverable_ns_per_second=summary.recoverable_ns_per_second,
        high_ns=sure_ns[Confidence.HIGH],
        medium_ns=sure_ns[Confidence.MEDIUM],
        low_ns=sure_ns[Confidence.LOW],
        gaps=tuple(sorted(gaps, key=lambda gap: -gap.idle_ns)),
        longest=tuple(
            _long_gap_part(analysis, gap)
            for gap in analysis.longest_gaps
            if gap.timeline_index == index
        ),
    )


def _gap_part(
    gaps: GapTable, of_timeline: Bools, cause: IdleCause, all_ns: int, window_ns: int
) -> GapPart:
    mine = of_timeline & (gaps.cause_index == cause.index)
    lengths_ns = (gaps.end_ns - gaps.start_ns)[mine]
    idle_ns = int(lengths_ns.sum())
    sure_ns = _by_confidence(gaps, mine)
    runner_up, runner_up_ns = _runner_up(gaps, mine)
    return GapPart(
        cause=cause.value,
        starvation=cause.is_starvation,
        pieces=int(np.count_nonzero(mine)),
        idle_ns=idle_ns,
        longest_ns=int(lengths_ns.max(initial=0)),
        share_of_idle=share(idle_ns, all_ns),
        share_of_window=share(idle_ns, window_ns),
        confidence=max(CONFIDENCES, key=lambda level: sure_ns[level]).value,
        high_ns=sure_ns[Confidence.HIGH],
        medium_ns=sure_ns[Confidence.MEDIUM],
        low_ns=sure_ns[Confidence.LOW],
        runner_up=runner_up,
        runner_up_ns=runner_up_ns,
    )


def _by_confidence(gaps: GapTable, mine: Bools) -> dict[Confidence, int]:
    sums_ns = np.zeros(len(CONFIDENCES), np.int64)
    np.add.at(sums_ns, gaps.confidence_index[mine], (gaps.end_ns - gaps.start_ns)[mine])
    return {level: int(ns) for level, ns in zip(CONFIDENCES, sums_ns, strict=True)}


def _runner_up(gaps: GapTable, mine: Bools) -> tuple[str | Unavailable, int | Unavailable]:
    """The cause that is second for most of the time, and that time."""
    mine = mine & (gaps.runner_up_index >= 0)
    sums_ns = np.zeros(len(IDLE_CAUSES), np.int64)
    np.add.at(sums_ns, gaps.runner_up_index[mine], (gaps.end_ns - gaps.start_ns)[mine])
    best = int(sums_ns.argmax())
    if not sums_ns[best]:
        return _NO_RUNNER_UP, _NO_RUNNER_UP
    return IDLE_CAUSES[best].value, int(sums_ns[best])


def _long_gap_part(analysis: Analysis, gap: LongGap) -> LongGapPart:
    capture = analysis.capture
    origin = capture.origin_unix_ns
    middle_ns = (gap.start_ns + gap.end_ns) // 2
    return LongGapPart(
        offset_ns=gap.start_ns - capture.window.start_ns,
        start_unix_ns=origin if isinstance(origin, Unavailable) else str(origin + gap.start_ns),
        idle_ns=gap.end_ns - gap.start_ns,
        causes=_by_cause(gap),
        waiting=tuple(_waiting_part(request, middle_ns) for request in gap.waiting),
        waiting_requests=gap.waiting_total,
    )


def _by_cause(gap: LongGap) -> tuple[CausePart, ...]:
    """A gap may consist of hundreds of pieces; the table of gaps has each."""
    sums_ns: dict[IdleCause, int] = {}
    for cause, ns in gap.causes:
        sums_ns[cause] = sums_ns.get(cause, 0) + ns
    ranked = sorted(sums_ns.items(), key=lambda item: -item[1])
    return tuple(CausePart(cause=cause.value, idle_ns=ns) for cause, ns in ranked)


def _waiting_part(waiting: WaitingRequest, middle_ns: int) -> WaitingPart:
    return WaitingPart(
        request=waiting.request if waiting.request >= 0 else _CUT,
        doing=readable(waiting.stage),
        doing_ns=middle_ns - waiting.since_ns,
        thread=readable(waiting.thread),
    )
