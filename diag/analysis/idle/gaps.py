"""Cut the idle time of every device, or of the CPU where there is none, into pieces of one cause.

At every idle instant the first claim in order of precedence (precedence.py) that covers it decides;
so a gap is split where its cause changes, and pieces and busy time are the window exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.columns.intervals import Set, intersect, merge, total_ns, union
from diag.analysis.columns.sweep import slices
from diag.analysis.columns.tiling import tile_span
from diag.analysis.execution.device_work import Device
from diag.analysis.execution.host_calls import HostCalls
from diag.analysis.idle.certainty import clock_error, is_sure_of_no_demand
from diag.analysis.idle.claims import Claim, by_cause
from diag.analysis.idle.confidence import find_runners_up, judge
from diag.analysis.idle.demand import Demand, find_demand
from diag.analysis.idle.device_use import DeviceUse, cpu_use, device_uses
from diag.analysis.idle.evidence import best_rows
from diag.analysis.idle.longest import find_longest
from diag.analysis.idle.machine_claims import find_blanks
from diag.analysis.idle.precedence import ordered_claims
from diag.analysis.idle.scene import Scene
from diag.analysis.idle.witness_events import StepWitnesses, find_witnesses
from diag.model.events import Int32s, Int64s, Ints
from diag.model.gaps import GapTable, IdleCause, LongGap, Timeline
from diag.model.serving import Stage

CPU_TIMELINE = "cpu-execution"
_BUSY = -1  # gets no piece


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class _Line:
    """One timeline before it is cut."""

    name: str
    device: Device | None
    use: DeviceUse
    demand: Demand
    busy: Set


def find_gaps(scene: Scene) -> IdleTime:
    """Find the timelines, cut their idle time by cause, and explain each piece."""
    calls = scene.calls
    lines = _lines(scene, calls)
    blanks = find_blanks(scene.host.events, scene.capture.window)
    seen: StepWitnesses | None = None
    seen_of = np.empty(0, np.bool_)
    tables: list[GapTable] = []
    for index, line in enumerate(lines):
        if line.device is not None and not len(line.device.events):
            claims: tuple[Claim, ...] = ()  # it was not used
        else:
            mine = line.use.steps & ~calls.loading
            if seen is None or not np.array_equal(mine, seen_of):
                seen, seen_of = find_witnesses(scene, calls, mine), mine
            claims = ordered_claims(scene, line.use, line.demand, calls, blanks, seen, line.device)
        tables.append(_cut(scene, index, line, claims))
    gaps = _concatenate(tables)
    window = scene.capture.window
    timelines = tuple(
        Timeline(
            line.name,
            line.device is not None,
            window,
            window.duration_ns - total_ns((table.start_ns, table.end_ns)),
        )
        for line, table in zip(lines, tables, strict=True)
    )
    waiting = tuple(
        _waiting_ns(line.demand, table) for line, table in zip(lines, tables, strict=True)
    )
    demands = tuple(line.demand for line in lines)
    return IdleTime(timelines, gaps, waiting, find_longest(scene, gaps, demands))


def _waiting_ns(demand: Demand, table: GapTable) -> int:
    """Idle with a request open: what the two sets have in common."""
    return total_ns(intersect(demand.requests, (table.start_ns, table.end_ns)))


def _lines(scene: Scene, calls: HostCalls) -> list[_Line]:
    uses = device_uses(scene, calls)
    lines = [
        _Line(device.name, device, use, find_demand(scene, use), device.busy)
        for device, use in zip(scene.device.devices, uses, strict=True)
    ]
    if lines:
        return lines
    use = cpu_use(scene.ledger, scene.origins)
    demand = find_demand(scene, use)
    if len(scene.unseen[0]) and not len(demand.open[0]):
        return []
    return [_Line(CPU_TIMELINE, None, use, demand, _computing(scene))]


def _computing(scene: Scene) -> Set:
    """Any step computed on the host, or a batch ran where the trace cannot tell."""
    staged, batches = scene.staged, scene.ledger.batches
    coarse = batches.first_step < 0
    return merge(
        staged.pieces.covering(Stage.COMPUTE.index, ~staged.parts.is_after),
        union(batches.run_start_ns[coarse], batches.run_end_ns[coarse]),
    )


def _cut(scene: Scene, index: int, line: _Line, claims: tuple[Claim, ...]) -> GapTable:
    window = scene.capture.window
    start, end, cause = tile_span(
        window.start_ns,
        max(window.start_ns, window.end_ns),
        [(_BUSY, line.busy), *((claim.cause.index, claim.claimed) for claim in claims)],
        IdleCause.NO_DEMAND.index,
    )
    confidence, runner_up = np.empty(len(cause), np.int8), np.empty(len(cause), np.int8)
    evidence = np.empty(len(cause), np.int32)
    grouped = by_cause(claims)
    error_ns, is_checked = clock_error(scene, line.device)
    sure_of_no_demand = is_sure_of_no_demand(scene)
    for some in slices(len(cause)):
        low, high = int(start[some.start]), int(end[some.stop - 1])
        near = {each: claim.between(low, high) for each, claim in grouped.items()}
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


def _evidence(claims: dict[IdleCause, Claim], start: Int64s, end: Int64s, cause: Ints) -> Int32s:
    rows = np.full(len(start), -1, np.int32)
    for each, claim in claims.items():
        mine = np.flatnonzero(cause == each.index)
        if len(mine):
            rows[mine] = best_rows(claim.witnesses, start[mine], end[mine])
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
