"""Host calls that launched device work, the step each belongs to, and the join by correlation id.

A launch belongs to the step whose executor burst encloses it on its thread; without bursts, to the
innermost ``SessionRun`` or ``FunctionRun`` around it; outside that run but within a batch, to the
batch's run. Where driver calls have lines of their own, it belongs to the step that their thread
was running. Where a thread pool or a runtime moved the work to another thread, the event at its
begin there (``_c``) leads to the event that handed it over (``_p``), and so to the step.
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

# Hand-overs from thread to thread that are followed; copies of a JAX server take two.
_HANDOVERS_MAX = 4


@dataclass(frozen=True, slots=True, eq=False)
class Launches:
    """Host events with a correlation id, in row order.

    Attributes:
        row: (n,) int32, ascending row of the host plane.
        id: (n,) correlation id, greater than 0, of any integer width.
        step: (n,) int32, root step, -1 if none was recorded.
    """

    row: Int32s
    id: Ints
    step: Int32s


def find_launches(host: EventTable, lines: tuple[Line, ...], steps: Steps) -> Launches:
    """Find every host event with a correlation id, and its step.

    Args:
        host: Events of the host plane.
        lines: Lines of the host plane.
        steps: All steps.
    """
    stat = host.stat(ev.STAT_CORRELATION_ID)
    has_id = stat.values > 0
    # There may be millions, nearly all with an id: then the columns are used without a copy.
    row, ids = stat.rows, stat.values
    if not has_id.all():
        row, ids = row[has_id], ids[has_id]
    step = _steps_of(host, lines, row, steps).astype(np.int32)
    return Launches(row, ids, step)


def match_launches(
    launches: Launches,
    host: EventTable,
    steps: Steps,
    wanted: Ints,
    wanted_ns: Int64s,
) -> Int64s:
    """(n,) position in ``launches`` of the launch of each device event, or -1.

    Where an id repeats: the last launch before the event; if there is none, the first after it, as
    the clocks of device and host are matched only once and may differ.

    Args:
        launches: All launches.
        host: Events of the host plane.
        steps: All steps.
        wanted: (n,) correlation id of each device event; 0 and less mean none.
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
        repeats = np.flatnonzero(np.isin(launches.id, ids[again]))
        # Of launches at the same instant, on any line, that of the later step counts.
        ends = host.end_ns[launches.row[repeats]]
        step = launches.step[repeats]
        since = np.where(step >= 0, np.append(steps.start_ns, -1)[step], -1)
        repeats = repeats[np.lexsort((ends, since))]
        key, at = launches.id[repeats], host.start_ns[launches.row[repeats]]
        before = latest_before(key, at, wanted[repeated], wanted_ns[repeated])
        after = earliest_after(key, at, wanted[repeated], wanted_ns[repeated])
        found[repeated] = repeats[np.where(before >= 0, before, after)]
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
        around = innermost(host, batch, row[rest])
        inside = (around >= 0) & (run[around] >= 0)
        step[rest[inside]] = run_step[run[around[inside]]]
    return _follow(host, row, step, steps)


def _runs(steps: Steps) -> tuple[Int64s, Int64s]:
    """Ascending rows of the run events, and their root steps."""
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
    """(n,) steps, where rows without one get that of the event which handed the work over."""
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
    """(n,) position in ``consumers`` of the event that brought the work of each row, or -1.

    It is the innermost event that encloses the row; else the last begin of a pool's closure before
    the row on its thread, unless that closure had ended.
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
    is_open = (
        (mark >= 0)
        & (host.line_index[mark_row] == host.line_index[row[rest]])
        & ((stop < 0) | (stop_row < mark_row))
    )
    found[rest[is_open]] = marks[mark[is_open]]
    return found
