"""Idle time in which work was already launched and had not begun: the host was not the cause."""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.device_work import Device
from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import intersect, merge
from diag.analysis.intervals.sweep import slices
from diag.model.events import Int32s, Int64s
from diag.model.gaps import IdleCause
from diag.model.intervals import IntervalSet


def pending_launch_cause(inputs: IdleInputs, device: Device, demand: Demand) -> CauseIntervals:
    """Gaps that end with work which was launched before they began.

    Only the first work after a gap counts, as later work may wait for it. Work of steps that load a
    model does not count. Work that no recorded step launched counts while a request is open.
    """
    stretch, row, step = _first_launches(inputs, device)
    keep = ~np.append(inputs.execution.calls.loading, False)[step]
    stretch, row, step = stretch[keep], row[keep], step[keep]
    begin, end = device.busy.edges
    after = stretch > 0
    stretch, row, step = stretch[after], row[after], step[after]
    since, until = end[stretch - 1], begin[stretch]
    waited = np.flatnonzero(inputs.execution.events.start_ns[row] <= since)
    since, until, row, step = since[waited], until[waited], row[waited], step[waited]
    # Gaps are sorted and disjoint already; there may be millions.
    gaps = active = IntervalSet(since, until)
    unsure = step < 0
    if unsure.any():
        with_demand = intersect(gaps.where(unsure), demand.open)
        active = merge(gaps.where(~unsure), with_demand)
    return CauseIntervals(IdleCause.LAUNCH, active, active, (EvidenceEvents(since, until, row),))


def _first_launches(inputs: IdleInputs, device: Device) -> tuple[Int64s, Int32s, Int32s]:
    """Of busy intervals: position, row of the earliest launch of their first work, its step."""
    work, begins, events = device.events, device.busy.start_ns, inputs.execution.events
    found: list[Int64s] = []
    for some in slices(len(work) if len(begins) else 0):  # work without length is never busy
        start = work.start_ns[some]
        at = np.minimum(np.searchsorted(begins, start), len(begins) - 1)
        found.append(some.start + np.flatnonzero((begins[at] == start) & (work.launch[some] >= 0)))
    index = np.concatenate(found) if found else np.empty(0, np.int64)
    stretch = np.searchsorted(begins, work.start_ns[index])
    order = np.lexsort((events.start_ns[work.launch[index]], stretch))
    first = order[np.flatnonzero(np.diff(stretch[order], prepend=-1))]
    return stretch[first], work.launch[index[first]], work.step[index[first]]
