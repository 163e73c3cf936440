"""Cut the idle time of every device, or of the CPU where there is none, into pieces of one cause.

At every idle instant the first cause in order of precedence (``order.py``) that is active decides.
So a gap is split where its cause changes, and pieces and busy time add up to the window exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_work import Device
from diag.analysis.execution.host_calls import HostCalls
from diag.analysis.idle.causes.cause_intervals import CauseIntervals, by_cause
from diag.analysis.idle.causes.evidence_events import best_rows
from diag.analysis.idle.causes.machine import find_blanks
from diag.analysis.idle.causes.step_evidence import StepEvidence, find_step_evidence
from diag.analysis.idle.certainty import clock_error, is_sure_of_no_demand
from diag.analysis.idle.confidence import find_runners_up, judge
from diag.analysis.idle.demand import Demand, find_demand
from diag.analysis.idle.device_use import DeviceUse, cpu_use, device_uses
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.idle.longest import find_longest
from diag.analysis.idle.order import ordered_causes
from diag.analysis.intervals.sets import intersect, merge, union
from diag.analysis.intervals.sweep import slices
from diag.analysis.intervals.tiling import tile_span
from diag.model.events import Int32s, Int64s, Ints
from diag.model.gaps import GapTable, IdleCause, LongGap, Timeline
from diag.model.intervals import IntervalSet
from diag.model.serving import Stage

CPU_TIMELINE = "cpu-execution"
_BUSY = -1  # gets no piece


@dataclass(frozen=True, slots=True, eq=False)
class IdleTime:
    """What ``find_gaps`` finds.

    Attributes:
        timelines: One for each GPU plane, or one for the execution on the CPU, or none where
            nothing but the unseen was recorded.
        gaps: The pieces.
        waiting_ns: By timeline, idle with at least one request open that concerns it.
        longest: The longest gaps of each timeline.
    """

    timelines: tuple[Timeline, ...]
    gaps: GapTable
    waiting_ns: tuple[int, ...]
    longest: tuple[LongGap, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """One timeline before it is cut."""

    name: str
    device: Device | None
    use: DeviceUse
    demand: Demand
    busy: IntervalSet


def find_gaps(inputs: IdleInputs) -> IdleTime:
    """Find the timelines, cut their idle time by cause, and explain each piece."""
    calls = inputs.execution.calls
    lines = _lines(inputs, calls)
    blanks = find_blanks(inputs.execution.events, inputs.capture.window)
    seen: StepEvidence | None = None
    seen_of = np.empty(0, np.bool_)
    tables: list[GapTable] = []
    for index, line in enumerate(lines):
        if line.device is not None and not len(line.device.events):
            causes: tuple[CauseIntervals, ...] = ()  # it was not used
        else:
            mine = line.use.steps & ~calls.loading
            if seen is None or not np.array_equal(mine, seen_of):
                seen, seen_of = find_step_evidence(inputs, calls, mine), mine
            causes = ordered_causes(inputs, line.use, line.demand, calls, blanks, seen, line.device)
        tables.append(_cut(inputs, index, line, causes))
    gaps = _concatenate(tables)
    window = inputs.capture.window
    timelines = tuple(
        Timeline(
            line.name,
            line.device is not None,
            window,
            window.duration_ns - IntervalSet(table.start_ns, table.end_ns).total_ns,
        )
        for line, table in zip(lines, tables, strict=True)
    )
    waiting = tuple(
        _waiting_ns(line.demand, table) for line, table in zip(lines, tables, strict=True)
    )
    demands = tuple(line.demand for line in lines)
    return IdleTime(timelines, gaps, waiting, find_longest(inputs, gaps, demands))


def _waiting_ns(demand: Demand, table: GapTable) -> int:
    """Idle with a request open: what the two sets have in common."""
    return intersect(demand.requests, IntervalSet(table.start_ns, table.end_ns)).total_ns


def _lines(inputs: IdleInputs, calls: HostCalls) -> list[_Line]:
    uses = device_uses(inputs, calls)
    lines = [
        _Line(device.name, device, use, find_demand(inputs, use), device.busy)
        for device, use in zip(inputs.execution.device.devices, uses, strict=True)
    ]
    if lines:
        return lines
    use = cpu_use(inputs.requests.linked, inputs.requests.sources)
    demand = find_demand(inputs, use)
    if len(inputs.visibility.hidden_work) and not len(demand.open):
        return []
    return [_Line(CPU_TIMELINE, None, use, demand, _computing(inputs))]


def _computing(inputs: IdleInputs) -> IntervalSet:
    """Any step computed on the host, or a batch ran where the trace cannot tell."""
    staged, batches = inputs.execution.staged, inputs.requests.linked.batches
    coarse = batches.first_step < 0
    return merge(
        staged.pieces.covering(Stage.COMPUTE.index, ~staged.parts.is_after),
        union(batches.run_start_ns[coarse], batches.run_end_ns[coarse]),
    )


def _cut(
    inputs: IdleInputs, index: int, line: _Line, causes: tuple[CauseIntervals, ...]
) -> GapTable:
    window = inputs.capture.window
    start, end, cause = tile_span(
        window.start_ns,
        max(window.start_ns, window.end_ns),
        [(_BUSY, line.busy), *((intervals.cause.index, intervals.active) for intervals in causes)],
        IdleCause.NO_DEMAND.index,
    )
    confidence, runner_up = np.empty(len(cause), np.int8), np.empty(len(cause), np.int8)
    evidence = np.empty(len(cause), np.int32)
    grouped = by_cause(causes)
    error_ns, is_checked = clock_error(inputs, line.device)
    sure_of_no_demand = is_sure_of_no_demand(inputs)
    for some in slices(len(cause)):
        low, high = int(start[some.start]), int(end[some.stop - 1])
        near = {each: intervals.between(low, high) for each, intervals in grouped.items()}
        runners_up = find_runners_up(near, start[some], end[some], cause[some])
        runner_up[some] = runners_up.index
        confidence[some] = judge(
            near,
            start[some],
            end[some],
            cause[some],
            runners_up,
            error_ns=error_ns,
            is_checked=is_checked,
            sure_of_no_demand=sure_of_no_demand,
        )
        evidence[some] = _evidence(near, start[some], end[some], cause[some])
    return GapTable(
        timeline_index=np.full(len(start), index, np.int16),
        start_ns=start,
        end_ns=end,
        cause_index=cause,
        waiting_requests=line.demand.waiting_at(start),
        confidence_index=confidence,
        runner_up_index=runner_up,
        evidence_row=evidence,
    )


def _evidence(
    causes: dict[IdleCause, CauseIntervals], start: Int64s, end: Int64s, cause: Ints
) -> Int32s:
    rows = np.full(len(start), -1, np.int32)
    for each, intervals in causes.items():
        mine = np.flatnonzero(cause == each.index)
        if len(mine):
            rows[mine] = best_rows(intervals.evidence, start[mine], end[mine])
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
