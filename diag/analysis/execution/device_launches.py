"""Host calls that launched device work, the step each belongs to, and the join by correlation id.

A launch belongs to the step whose executor burst encloses it on its thread; without bursts, to the
innermost ``SessionRun`` or ``FunctionRun`` around it; beside that run but within a batch, to the
batch's run; where driver calls stand apart from their thread, to what that thread was at. Where a
thread pool or a runtime carried the work to another thread, the mark of its
beginning there (``_c``) leads to where it was handed over (``_p``), and so to the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.execution.device_threads import spans_around
from diag.analysis.execution.steps import Steps
from diag.analysis.intervals.joins import earliest_after, latest_before
from diag.analysis.intervals.nesting import first_inside, innermost
from diag.formats.trace import event_names as ev
from diag.model.events import EventTable, Int32s, Int64s, Ints, Line

# Times that work is handed on from thread to thread; a JAX server's copies take two.
_HANDOVERS_MAX = 4


@dataclass(frozen=True, slots=True, eq=False)
class Launches:
    """Host events with a correlation id, in row order.

    Attributes:
        row: (n,) int32, ascending row of the host plane.
        id: (n,) correlation id, never 0, which is none; of any width.
        step: (n,) int32, root step, -1 if none was recorded around it.
    """

    row: Int32s
    id: Ints
    step: Int32s


def find_launches(host: EventTable, lines: tuple[Line, ...], steps: Steps) -> Launches:
    """Every host event with a correlation id, and its step; ``lines`` are the host plane's."""
    stat = host.stat(ev.STAT_CORRELATION_ID)
    told = stat.values > 0
    # There are millions, and hardly one without an id: as a rule the columns serve as they are.
    row, ids = (stat.rows, stat.values) if told.all() else (stat.rows[told], stat.values[told])
    step = _steps_of(host, lines, row, steps).astype(np.int32)
    return Launches(row, ids, step)


def match_launches(
    launches: Launches,
    host: EventTable,
    steps: Steps,
    wanted: Ints,
    wanted_ns: Int64s,
) -> Int64s:
    """Position in ``launches`` of what launched each device event, or -1.

    Where an id repeats: the last one before the event; or, since device and host clocks were
    matched only once, the first one after it.

    Args:
        launches: All.
        host: The host plane's events.
        steps: Of the launches.
        wanted: (n,) correlation id of each device event; 0 and less are none.
        wanted_ns: (n,) its begin.
    """
    if not len(launches.id):
        return np.full(len(wanted), -1, np.int64)
    order = np.argsort(launches.id, kind="stable").astype(np.int32)
    ids = launches.id[order]
    index = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found = np.where((ids[index] == wanted) & (wanted > 0), order[index], -1)
    again = np.zeros(len(ids), np.bool_)
    again[:-1] = ids[1:] == ids[:-1]
    repeated = np.flatnonzero(again[index] & (found >= 0))
    if len(repeated):
        bearers = np.flatnonzero(np.isin(launches.id, ids[again]))
        # Of launches at the same instant the one of the later step counts, on whatever line it is.
        ends = host.end_ns[launches.row[bearers]]
        step = launches.step[bearers]
        since = np.where(step >= 0, np.append(steps.start_ns, -1)[step], -1)
        bearers = bearers[np.lexsort((ends, since))]
        key, at = launches.id[bearers], host.start_ns[launches.row[bearers]]
        before = latest_before(key, at, wanted[repeated], wanted_ns[repeated])
        after = earliest_after(key, at, wanted[repeated], wanted_ns[repeated])
        found[repeated] = bearers[np.where(before >= 0, before, after)]
    return found


def _steps_of(host: EventTable, lines: tuple[Line, ...], row: Int32s, steps: Steps) -> Int64s:
    step = enclosing_steps(host, row, steps)
    runs, run_step = _runs(steps)
    rest = np.flatnonzero(step < 0)
    spans, span_step = np.concatenate((steps.burst_row, runs)), steps.burst_step
    order = np.argsort(spans)
    around = spans_around(host, lines, row[rest], spans[order])
    apart = around >= 0
    step[rest[apart]] = np.concatenate((span_step, run_step))[order[around[apart]]]
    batch = host.rows_named(ev.PROCESS_BATCH)
    if len(batch) and len(runs):
        run = first_inside(innermost(host, batch, runs), len(batch))
        rest = np.flatnonzero(step < 0)
        holder = innermost(host, batch, row[rest])
        inside = (holder >= 0) & (run[holder] >= 0)
        step[rest[inside]] = run_step[run[holder[inside]]]
    return _follow(host, row, step, steps)


def _runs(steps: Steps) -> tuple[Int64s, Int64s]:
    """Ascending rows of the run events, and the root step of each."""
    run = np.flatnonzero(~steps.is_orphan)
    run = run[np.argsort(steps.row[run])]
    return steps.row[run], steps.root[run]


def enclosing_steps(host: EventTable, row: Ints, steps: Steps) -> Int64s:
    """(n,) root step of the burst, else of the run event, around each row; -1 if none."""
    burst = innermost(host, steps.burst_row, row)
    step = np.full(len(row), -1, np.int64)
    step[burst >= 0] = steps.burst_step[burst[burst >= 0]]
    runs, run_step = _runs(steps)
    rest = np.flatnonzero(step < 0)
    run = innermost(host, runs, row[rest])
    step[rest[run >= 0]] = run_step[run[run >= 0]]
    return step


def _follow(host: EventTable, row: Ints, step: Int64s, steps: Steps) -> Int64s:
    """Steps of rows without one, from where their work was handed over to their thread."""
    rest = np.flatnonzero(step < 0)
    consumer, producer = host.stat(ev.STAT_CONSUMER_ID), host.stat(ev.STAT_PRODUCER_ID)
    if not len(rest) or not len(steps) or not len(consumer.rows) or not len(producer.rows):
        return step
    produced_ns = host.start_ns[producer.rows]
    at: Ints = row[rest]
    for _ in range(_HANDOVERS_MAX):
        receiver = _received(host, consumer.rows, at)
        seen = receiver >= 0
        rest, receiver = rest[seen], receiver[seen]
        source = latest_before(
            producer.values,
            produced_ns,
            consumer.values[receiver],
            host.start_ns[consumer.rows[receiver]],
        )
        rest, at = rest[source >= 0], producer.rows[source[source >= 0]]
        if not len(rest):
            break
        found = enclosing_steps(host, at, steps)
        step[rest[found >= 0]] = found[found >= 0]
        rest, at = rest[found < 0], at[found < 0]
    return step


def _received(host: EventTable, consumers: Int32s, row: Ints) -> Int64s:
    """Position in ``consumers`` of the event that brought the work around each row, or -1.

    The innermost event that encloses it; else the pool's last mark before it on its thread, unless
    the closure that began there had ended.
    """
    found = innermost(host, consumers, row)
    rest = np.flatnonzero(found < 0)
    started = np.isin(consumers, host.rows_named(ev.THREADPOOL_START_REGION), assume_unique=True)
    marks = np.flatnonzero(started)
    if not len(rest) or not len(marks):
        return found
    stops = host.rows_named(ev.THREADPOOL_STOP_REGION)
    mark = np.searchsorted(consumers[marks], row[rest], side="right") - 1
    stop = np.searchsorted(stops, row[rest], side="right") - 1
    mark_row = consumers[marks[np.maximum(mark, 0)]]
    stop_row = stops[np.maximum(stop, 0)] if len(stops) else np.full(len(rest), -1)
    open_still = (
        (mark >= 0)
        & (host.line_index[mark_row] == host.line_index[row[rest]])
        & ((stop < 0) | (stop_row < mark_row))
    )
    found[rest[open_still]] = marks[mark[open_still]]
    return found
