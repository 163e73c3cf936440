"""tf.data pipelines: their stages, how long the program waits for them, and which stage decides."""

from __future__ import annotations

import re

import numpy as np

from diag.analysis.intervals.nesting import innermost
from diag.analysis.intervals.sets import intersect, subtract, union
from diag.analysis.loops import thresholds
from diag.analysis.loops.iterators import STAGES_MAX, Iterators, find_iterators
from diag.analysis.loops.map_functions import PYTHON_OPS, MapCalls, find_map_calls
from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.events import EventTable, Int64s
from diag.model.input_pipelines import Pipeline, PipelineStage
from diag.model.intervals import IntervalSet
from diag.model.window import Window

_ASYNCHRONOUS = ("Prefetch", "MapAndBatch", "ParallelMap", "ParallelInterleave", "ParallelBatch")
_TRUE = "true"
_NO_BUFFER = Unavailable("the pipeline does not end with a prefetch")
_NOT_TOLD = Unavailable("the trace does not tell")


def find_pipelines(events: EventTable, window: Window) -> tuple[Pipeline, ...]:
    """The pipelines that were read in the window, the most waited for first."""
    iterators = find_iterators(events)
    if not len(iterators.rows):
        return ()
    calls = find_map_calls(events, iterators)
    found = [
        _pipeline(events, window, iterators, calls, index) for index in range(len(iterators.roots))
    ]
    return tuple(sorted((each for each in found if each.calls), key=lambda each: -each.wait_ns))


def _pipeline(
    events: EventTable, window: Window, iterators: Iterators, calls: MapCalls, index: int
) -> Pipeline:
    mine = iterators.pipeline == index
    rows, path = iterators.rows[mine], iterators.path[mine]
    roots = rows[[iterators.paths[k] == ev.ITERATOR_ROOT for k in path.tolist()]]
    buffers = rows[[iterators.paths[k] == f"{ev.ITERATOR_ROOT}::Prefetch" for k in path.tolist()]]
    waits, waited = _waits(events, roots, buffers)
    stages = tuple(
        _stage(events, iterators, calls, index, k, rows[path == k], waits, window)
        for k in sorted(np.unique(path).tolist(), key=lambda k: iterators.paths[k].count("::"))
        if iterators.paths[k] != ev.ITERATOR_ROOT
    )[:STAGES_MAX]
    budget = _last(events, ev.STAT_CPU_BUDGET, roots)
    return Pipeline(
        name=iterators.roots[index],
        instances=iterators.instances[index],
        calls=len(roots),
        wait_ns=waits.total_ns,
        wait_ratio=waits.total_ns / max(1, window.duration_ns),
        empty_ratio=float((waited > thresholds.EMPTY_MIN_NS).mean()) if len(waited) else 0.0,
        occupancy=_occupancy(events, buffers),
        producer_busy=_producer_busy(events, buffers, rows),
        threadpool_size=_last(events, ev.STAT_THREADPOOL_SIZE, roots),
        cpu_budget=budget,
        autotuned=not isinstance(budget, Unavailable),
        critical=_critical(stages, waits, window),
        stages=stages,
    )


def _waits(events: EventTable, roots: Int64s, buffers: Int64s) -> tuple[IntervalSet, Int64s]:
    """When ``next()`` waits for an element, and for how long each call does."""
    consumes = events.rows_named(ev.PREFETCH_CONSUME)
    at = innermost(events, buffers, consumes)
    begin, end = events.start_ns[roots].copy(), events.end_ns[roots].copy()
    of_root = innermost(events, roots, buffers)
    for_root = np.full(len(roots), -1, np.int64)
    for_root[of_root[of_root >= 0]] = np.flatnonzero(of_root >= 0)
    consumed = np.full(len(buffers), -1, np.int64)
    consumed[at[at >= 0]] = events.start_ns[consumes[at >= 0]]
    has = for_root >= 0
    begin[has] = events.start_ns[buffers[for_root[has]]]
    ready = consumed[for_root[has]]
    end[has] = np.where(ready >= 0, ready, events.end_ns[buffers[for_root[has]]])
    return union(begin, end), np.maximum(end - begin, 0)


def _stage(
    events: EventTable,
    iterators: Iterators,
    calls: MapCalls,
    pipeline: int,
    path: int,
    rows: Int64s,
    waits: IntervalSet,
    window: Window,
) -> PipelineStage:
    full = iterators.paths[path]
    kind = full.rpartition("::")[2]
    name = _text(events, ev.STAT_NAME, rows)
    own = np.flatnonzero((calls.pipeline == pipeline) & (calls.path == path))
    is_own = np.zeros(len(calls) + 1, np.bool_)
    is_own[own] = True
    bursts = is_own[calls.burst_call]
    start, end = calls.burst_start_ns[bursts], calls.burst_end_ns[bursts]
    executing_ns = int((end - start).sum())
    running = union(start, end)
    is_async = kind.startswith(_ASYNCHRONOUS)
    if not len(own) and not is_async:
        running = _self_time(events, iterators, rows)
    ops = calls.op_row[is_own[calls.op_call]]
    op, python_ns = _ops(events, ops)
    parallelism = _last(events, ev.STAT_PARALLELISM, rows)
    autotuned = _text(events, ev.STAT_AUTOTUNE, rows) == _TRUE
    sequential_name = re.match(r"(?:fused\()?MapDataset:", name) is not None
    is_map = "Map" in kind and kind != "FlatMap"
    return PipelineStage(
        path=full,
        kind=kind,
        name=name,
        written=_written(kind, name),
        depth=full.count("::") - 1,
        elements=len(rows),
        function_ns=executing_ns / len(own) if len(own) else Unavailable("it calls no function"),
        function_calls=len(own),
        used=executing_ns / max(1, window.duration_ns),
        parallelism=parallelism,
        is_sequential=(is_map or "Interleave" in kind)
        and (not is_async or (parallelism == 1 and not autotuned)),
        autotuned=autotuned,
        made_parallel=is_map and is_async and sequential_name,
        injected=name.startswith("inject/"),
        buffer_limit=_last(events, ev.STAT_BUFFER_LIMIT, rows),
        batch_size=_last(events, ev.STAT_BATCH_SIZE, rows),
        wait_share=intersect(running, waits).total_ns / max(1, waits.total_ns),
        python_share=min(1.0, python_ns / executing_ns) if executing_ns else 0.0,
        op=op,
        runs_ops=_uses_element(events, ops),
    )


def _self_time(events: EventTable, iterators: Iterators, rows: Int64s) -> IntervalSet:
    """When the stage itself works, without the iterators that it calls."""
    inner = np.setdiff1d(iterators.rows, rows)
    around = innermost(events, rows, inner)
    inner = inner[around >= 0]
    begin, end = events.start_ns[rows], events.end_ns[rows]
    if not len(inner):
        return union(begin, end)
    from_, to = events.start_ns[inner], events.end_ns[inner]
    child = union(from_, to)
    if not len(child):
        return union(begin, end)
    covered = intersect(union(begin, end), child)
    return subtract(union(begin, end), covered)


def _ops(events: EventTable, rows: Int64s) -> tuple[str, int]:
    """The op type with most time, and the time inside Python functions."""
    if not len(rows):
        return "", 0
    time: dict[str, int] = {}
    duration = events.end_ns[rows] - events.start_ns[rows]
    by_name = np.bincount(events.name_id[rows], weights=duration, minlength=len(events.names))
    for i in np.flatnonzero(by_name).tolist():
        op = events.names[i].rpartition(":")[2]
        time[op] = time.get(op, 0) + int(by_name[i])
    if not time:
        return "", 0
    return max(time, key=lambda op: time[op]), sum(time.get(op, 0) for op in PYTHON_OPS)


_WITHOUT_ELEMENT = ("Const", "NoOp", "Identity", "_Retval", "_SOURCE")


def _uses_element(events: EventTable, rows: Int64s) -> bool:
    """Whether any op ran that takes the element; a constant function has none, nor its argument."""
    ops = {events.names[i].rpartition(":")[2] for i in np.unique(events.name_id[rows]).tolist()}
    return bool(ops.difference(_WITHOUT_ELEMENT))


def _written(kind: str, name: str) -> str:
    """What the user wrote, where the names tell that the runtime changed it; else ""."""
    if name.startswith("inject/"):
        return "nothing: tf.data added it"
    fused = re.fullmatch(r"fused\((.+)\)", name)
    if fused:
        parts = [re.sub(r"(?:Dataset)?(?:V\d)?:\d+\Z", "", part) for part in fused[1].split(",")]
        return " and ".join(part[:1].lower() + part[1:] for part in parts)
    if kind.startswith("ParallelMap") and name.startswith("MapDataset:"):
        return "map without num_parallel_calls"
    return ""


def _occupancy(events: EventTable, buffers: Int64s) -> float | Unavailable:
    """Mean of the elements that were ready at the begin of each call.

    ``buffered_elements`` is written only if there are any, and only while the autotuner is on; so
    its absence counts as none only where ``buffer_limit`` shows that a buffer was there.
    """
    if not len(buffers):
        return _NO_BUFFER
    told = events.stat(ev.STAT_BUFFERED).at(buffers)
    if (told < 0).all() and _text(events, ev.STAT_AUTOTUNE, buffers) != _TRUE:
        return Unavailable("with the autotuner off, the trace does not tell")
    return float(np.maximum(told, 0).mean())


def _producer_busy(events: EventTable, buffers: Int64s, rows: Int64s) -> float | Unavailable:
    """Ratio of the time from the producer's first to its last event in which it makes elements."""
    if not len(buffers):
        return _NO_BUFFER
    produces = events.rows_named(ev.PREFETCH_PRODUCE)
    at = innermost(events, produces, rows)
    produces = produces[np.unique(at[at >= 0])]
    if len(produces) < thresholds.ITERATIONS_MIN:
        return Unavailable("too few elements were made in the window")
    start, end = events.start_ns[produces], events.end_ns[produces]
    span = int(end.max() - start.min())
    return union(start, end).total_ns / span if span else _NOT_TOLD


def _critical(stages: tuple[PipelineStage, ...], waits: IntervalSet, window: Window) -> int:
    """The stage that executes during most of the waiting; -1 where the program hardly waits."""
    if waits.total_ns < thresholds.WAITING_MIN_RATIO * window.duration_ns or not stages:
        return -1
    best = max(range(len(stages)), key=lambda k: stages[k].wait_share)
    return best if stages[best].wait_share >= thresholds.CRITICAL_MIN_SHARE else -1


def _last(events: EventTable, stat: str, rows: Int64s) -> int | Unavailable:
    """The last value that any of the events carries."""
    values = events.stat(stat).at(rows, default=-(1 << 62))
    known = values[values > -(1 << 62)]
    return int(known[-1]) if len(known) else _NOT_TOLD


def _text(events: EventTable, stat: str, rows: Int64s) -> str:
    values = events.stat(stat).at(rows)
    known = values[values >= 0]
    return events.names[int(known[-1])] if len(known) else ""
