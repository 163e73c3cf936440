"""Cut the idle time of every device, or of the CPU where there is none, into pieces of one cause.

At every idle instant the first cause in order of precedence (``order.py``) that is active decides.
So a gap is split where its cause changes, and pieces and busy time add up to the window exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.idle.causes.cause_intervals import CauseIntervals, by_cause
from diag.analysis.idle.causes.evidence_events import best_rows
from diag.analysis.idle.causes.machine import find_blanks
from diag.analysis.idle.causes.step_evidence import StepEvidence, find_step_evidence
from diag.analysis.idle.certainty import find_certainty
from diag.analysis.idle.confidence import IdlePieces, find_runners_up, judge
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.longest import find_longest
from diag.analysis.idle.order import ordered_causes
from diag.analysis.idle.timeline import IdleTimeline, find_timelines
from diag.analysis.intervals.sets import intersect, union
from diag.analysis.intervals.sweep import slices
from diag.analysis.intervals.tiling import tile_span
from diag.model.events import Bools, Int32s
from diag.model.gaps import GapTable, IdleCause, LongGap, Timeline
from diag.model.intervals import IntervalSet
from diag.model.window import Window

_BUSY = -1  # a code without pieces


@dataclass(frozen=True, slots=True, eq=False)
class IdleTime:
    """What ``find_gaps`` finds.

    Attributes:
        timelines: One for each GPU plane, or one for the execution on the CPU, or none where the
            trace shows nothing but work that may be of hidden requests.
        gaps: The pieces.
        waiting_ns: By timeline, idle time with at least one request open that concerns it.
        longest: The longest gaps of each timeline.
    """

    timelines: tuple[Timeline, ...]
    gaps: GapTable
    waiting_ns: tuple[int, ...]
    longest: tuple[LongGap, ...]


def find_gaps(inputs: IdleInputs) -> IdleTime:
    """Find the timelines, cut their idle time by cause, and explain each piece."""
    found = find_timelines(inputs)
    blanks = find_blanks(inputs.execution.events, inputs.capture.window)
    evidence = _SharedEvidence(inputs)
    tables: list[GapTable] = []
    for index, timeline in enumerate(found):
        causes: tuple[CauseIntervals, ...] = ()
        if inputs.visibility.program.is_foreign:
            causes = _unknown(
                inputs.capture.window
            )  # only a request can be a demand, or wait for anything
        elif timeline.device is None or len(timeline.device.events):
            steps = timeline.answering_steps(inputs)
            causes = ordered_causes(inputs, timeline, blanks, evidence.of(steps))
        tables.append(_cut(inputs, index, timeline, causes))
    gaps = _concatenate(tables)
    pieces = [IntervalSet(table.start_ns, table.end_ns) for table in tables]
    timelines = tuple(
        Timeline(
            timeline.name,
            timeline.device is not None,
            own := _window(inputs, timeline),
            own.duration_ns - idle.total_ns,
        )
        for timeline, idle in zip(found, pieces, strict=True)
    )
    waiting = tuple(
        intersect(timeline.demand.requests, idle).total_ns
        for timeline, idle in zip(found, pieces, strict=True)
    )
    demands: tuple[Demand, ...] = tuple(timeline.demand for timeline in found)
    return IdleTime(timelines, gaps, waiting, find_longest(inputs, gaps, demands))


def _window(inputs: IdleInputs, timeline: IdleTimeline) -> Window:
    """What is known of the timeline."""
    is_device = timeline.device is not None
    return inputs.visibility.device_window if is_device else inputs.capture.window


def _unknown(window: Window) -> tuple[CauseIntervals, ...]:
    """Idle without a cause, all the time."""
    always = union(np.array([window.start_ns]), np.array([window.end_ns]))
    return (CauseIntervals(IdleCause.UNEXPLAINED, always),)


class _SharedEvidence:
    """Evidence of steps, kept for the next device while the same steps concern it."""

    def __init__(self, inputs: IdleInputs) -> None:
        self._inputs = inputs
        self._last: tuple[Bools, StepEvidence] | None = None

    def of(self, steps: Bools) -> StepEvidence:
        if self._last is None or not np.array_equal(steps, self._last[0]):
            self._last = steps, find_step_evidence(self._inputs, steps)
        return self._last[1]


def _cut(
    inputs: IdleInputs, index: int, timeline: IdleTimeline, causes: tuple[CauseIntervals, ...]
) -> GapTable:
    window = _window(inputs, timeline)
    pieces = IdlePieces(
        *tile_span(
            window.start_ns,
            max(window.start_ns, window.end_ns),
            [(_BUSY, timeline.busy), *((each.cause.index, each.active) for each in causes)],
            IdleCause.NO_DEMAND.index,
        )
    )
    n = len(pieces)
    confidence, runner_up = np.empty(n, np.int8), np.empty(n, np.int8)
    evidence = np.empty(n, np.int32)
    grouped = by_cause(causes)
    certainty = find_certainty(inputs, timeline.device)
    for some in slices(n):
        part = pieces.within(some)
        low, high = int(part.start_ns[0]), int(part.end_ns[-1])
        near = {cause: each.between(low, high) for cause, each in grouped.items()}
        runners_up = find_runners_up(near, part)
        runner_up[some] = runners_up.index
        confidence[some] = judge(near, part, runners_up, certainty)
        evidence[some] = _evidence(near, part)
    return GapTable(
        timeline_index=np.full(n, index, np.int16),
        start_ns=pieces.start_ns,
        end_ns=pieces.end_ns,
        cause_index=pieces.cause_index,
        waiting_requests=timeline.demand.waiting_at(pieces.start_ns),
        confidence_index=confidence,
        runner_up_index=runner_up,
        evidence_row=evidence,
    )


def _evidence(causes: dict[IdleCause, CauseIntervals], pieces: IdlePieces) -> Int32s:
    """(n,) event row that shows the cause of each piece best, or -1."""
    rows = np.full(len(pieces), -1, np.int32)
    for cause, intervals in causes.items():
        mine = np.flatnonzero(pieces.cause_index == cause.index)
        if len(mine):
            rows[mine] = best_rows(intervals.evidence, pieces.start_ns[mine], pieces.end_ns[mine])
    return rows


def _concatenate(tables: list[GapTable]) -> GapTable:
    if not tables:
        times, none = np.empty(0, np.int64), np.empty(0, np.int8)
        return GapTable(none, times, times, none, none, none, none, none)
    if len(tables) == 1:
        return tables[0]
    return GapTable(
        *(
            np.concatenate([getattr(table, name) for table in tables])
            for name in GapTable.__dataclass_fields__
        )
    )
