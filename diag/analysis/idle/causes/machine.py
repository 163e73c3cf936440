"""Causes that stop the whole machine: the profiler's own work, and a throttled server."""

from __future__ import annotations

import numpy as np

from diag.analysis.execution.device_lines import host_overhead_rows
from diag.analysis.execution.device_work import Device
from diag.analysis.idle.causes.cause_intervals import CauseIntervals
from diag.analysis.idle.causes.evidence_events import EvidenceEvents
from diag.analysis.idle.demand import Demand
from diag.analysis.idle.inputs import IdleInputs
from diag.analysis.intervals.sets import EMPTY, covered_between, intersect, merge, union
from diag.analysis.thresholds import BLANK_MIN_NS, THROTTLED_MIN_SHARE
from diag.model.availability import Unavailable
from diag.model.events import EventTable, Int64s
from diag.model.gaps import IdleCause
from diag.model.intervals import NEVER_NS, IntervalSet
from diag.model.samples import SampleSeries
from diag.model.window import Window
from diag.simulation.options import POLL_PERIOD_NS

THROTTLED_FIELD = "cgroup_throttled_ns"
# Blanks are found in a grid over the window. A longer window has longer cells, and its short blanks
# are missed.
_CELL_NS = 1_000_000
_CELLS_MAX = 1 << 24
_BOUND = NEVER_NS // 2


def profiler_cause(inputs: IdleInputs, device: Device, demand: Demand) -> CauseIntervals:
    """While the tracer recorded its own work, or after it dropped events and recorded no more.

    The first counts only while a request is open, the second also while one may be open, as the
    device events that would show it are lost.
    """
    window = inputs.capture.window
    own, lost = intersect(device.overhead, demand.open), EMPTY
    if inputs.visibility.loss.dropped and device.end_ns >= 0:
        after = union(np.array([device.end_ns]), np.array([window.end_ns]))
        lost = intersect(after, merge(demand.open, demand.silent, inputs.visibility.hidden_work))
    # Only the records on host threads are rows of the host plane.
    shows = EvidenceEvents.of(inputs.execution.events, host_overhead_rows(inputs.execution.events))
    return CauseIntervals(IdleCause.PROFILER, merge(own, lost), own, (shows,))


def find_blanks(events: EventTable, window: Window) -> IntervalSet:
    """Intervals of at least ``BLANK_MIN_NS`` in which no host event begins or ends."""
    if not len(events) or window.duration_ns < BLANK_MIN_NS:
        return EMPTY
    low = window.start_ns
    cell_ns = max(_CELL_NS, window.duration_ns // _CELLS_MAX + 1)
    cells = window.duration_ns // cell_ns + 1
    marked = np.zeros(cells, np.bool_)
    for at in (events.start_ns, events.end_ns):
        marked[np.clip((at - low) // cell_ns, 0, cells - 1)] = True
    full = np.flatnonzero(marked)
    wide = np.flatnonzero(np.diff(full) * cell_ns > BLANK_MIN_NS - cell_ns)
    if not len(wide):
        return EMPTY
    # The exact ends are among the events in the cells on both sides of each run of empty cells.
    around = np.zeros(cells, np.bool_)
    around[full[wide]] = around[full[wide + 1]] = True
    near = np.sort(
        np.concatenate(
            [
                at[around[np.clip((at - low) // cell_ns, 0, cells - 1)]]
                for at in (events.start_ns, events.end_ns)
            ]
        )
    )
    begin = near[np.searchsorted(near, low + (full[wide] + 1) * cell_ns, side="left") - 1]
    end = near[np.searchsorted(near, low + full[wide + 1] * cell_ns, side="left")]
    keep = end - begin >= BLANK_MIN_NS
    return IntervalSet(begin[keep], end[keep])


def throttled_cause(
    inputs: IdleInputs, blanks: IntervalSet, open_requests: IntervalSet, dispatching: IntervalSet
) -> CauseIntervals:
    """Blanks with a request open, over which the server's cgroup was throttled.

    Where throttling was not sampled: blanks in which a batch was ready and a thread free, longer
    than several polls of the queue. This needs queue parameters that are known: an estimated
    timeout may be too short, and a quiet server that waits for the true one is blank too.

    Args:
        inputs: Everything known.
        blanks: When no host event began or ended.
        open_requests: When a request was open.
        dispatching: When, by known parameters, a batch was ready and a thread free.
    """
    if not len(blanks):
        return CauseIntervals(IdleCause.THROTTLED, EMPTY)
    counter = _throttled_counter(inputs)
    if counter is not None:
        throttled = intersect(_risen(blanks, *counter), open_requests)
        return CauseIntervals(IdleCause.THROTTLED, throttled, throttled)
    ready_ns = covered_between(dispatching, *blanks.edges)
    missed = ready_ns >= 2 * POLL_PERIOD_NS
    return CauseIntervals(
        IdleCause.THROTTLED,
        intersect(blanks.where(missed), dispatching),
    )


def _risen(blanks: IntervalSet, at_ns: Int64s, counted_ns: Int64s, error_ns: int) -> IntervalSet:
    """The blanks over which the counter of throttled time grew by about their length."""
    begin, end = blanks.edges
    before = np.searchsorted(at_ns, begin - error_ns, side="right") - 1
    after = np.searchsorted(at_ns, end + error_ns, side="left")
    known = (before >= 0) & (after < len(at_ns))
    grown = counted_ns[np.minimum(after, len(at_ns) - 1)] - counted_ns[np.maximum(before, 0)]
    keep = known & (grown >= THROTTLED_MIN_SHARE * (end - begin))
    return blanks.where(keep)


def _throttled_counter(inputs: IdleInputs) -> tuple[Int64s, Int64s, int] | None:
    """Sample times on the trace's clock, the counter, and the clock's error in ns; or None."""
    capture = inputs.capture
    samples, origin = capture.host_samples, capture.origin_unix_ns
    if isinstance(samples, Unavailable) or isinstance(origin, Unavailable):
        return None
    read = _readings(samples)
    if len(read) < 2:
        return None
    clock = next((clock for clock in capture.clocks if clock.source == samples.source), None)
    offset_ns, error_ns = (clock.offset_ns, clock.uncertainty_ns) if clock else (0, 0)
    at = np.array([_bounded(unix_ns + offset_ns - origin) for unix_ns, _ in read], np.int64)
    return at, np.array([_bounded(counted) for _, counted in read], np.int64), error_ns


def _readings(samples: SampleSeries) -> list[tuple[int, int]]:
    """(unix ns, counter in ns) of each sample that has the counter."""
    return [
        (sample["unix_ns"], int(sample[THROTTLED_FIELD]))
        for sample in samples.samples
        if isinstance(sample.get(THROTTLED_FIELD), int | float)
    ]


def _bounded(value: int) -> int:
    """The value, limited so that sums of a damaged file's numbers still fit int64."""
    return max(-_BOUND, min(value, _BOUND))
