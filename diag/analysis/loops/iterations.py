"""Iterations of each thread, and their time by stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diag.analysis.intervals.sets import merge
from diag.analysis.intervals.tiling import Layer, Pieces, tile
from diag.analysis.loops.blanks import find_blanks
from diag.analysis.loops.calls import PythonThread, find_threads
from diag.analysis.loops.layers import (
    call_of,
    executing,
    find_layers,
    model_bounds,
    stage_annotations,
)
from diag.analysis.loops.python_time import PythonTime, place_samples
from diag.analysis.loops.spans import Spans, find_spans
from diag.analysis.loops.stack_kinds import when_others_work
from diag.model.availability import Unavailable
from diag.model.events import Bools, Int64s, Plane
from diag.model.intervals import IntervalSet
from diag.model.loops import LOOP_STAGES, IterationTable, LoopPieces, LoopStage, LoopThread
from diag.model.stacks import StackSamples
from diag.model.window import Window

_WAITING = (LoopStage.DISPATCH, LoopStage.NOT_KNOWN)


@dataclass(frozen=True, slots=True, eq=False)
class ThreadIterations:
    """The iterations of one thread with their pieces.

    Attributes:
        thread: Who runs them.
        start_ns: (n,).
        end_ns: (n,).
        complete: (n,).
        pieces: Their time in order; owners are the iterations, codes the stages.
        stage_ns: (n, stages).
        model: (n, 2) begin and end of the model call.
        described: What is said of the thread.
        python: Pieces of Python's own time, with the functions that samples show.
    """

    thread: PythonThread
    start_ns: Int64s
    end_ns: Int64s
    complete: Bools
    pieces: Pieces
    stage_ns: Int64s
    model: Int64s
    described: LoopThread
    python: PythonTime


def find_iterations(
    host: Plane, window: Window, samples: StackSamples | Unavailable
) -> tuple[ThreadIterations, ...]:
    """The iterations of all threads that repeat a model call."""
    found, executed = [], executing(host)
    for thread in find_threads(host):
        spans = find_spans(host.events, thread, window, executed)
        if spans is not None and len(spans.start_ns):
            found.append((thread, spans))
    reach_ns = others_ns = np.empty(0, np.int64)
    if not isinstance(samples, Unavailable):
        reach_ns = samples.reach_ns
        others_ns = when_others_work(samples, {host.lines[t.line].id for t, _ in found})
    return tuple(
        _cut(host, thread, spans, executed, samples, reach_ns, others_ns) for thread, spans in found
    )


def table_of(found: tuple[ThreadIterations, ...]) -> IterationTable:
    """All of them in one table."""
    if not found:
        none, flag = np.empty(0, np.int64), np.empty(0, np.bool_)
        empty = np.empty((0, len(LOOP_STAGES)), np.int64)
        return IterationTable(none, none, none.astype(np.int32), flag, empty, none, none, ())
    counts = [len(each.start_ns) for each in found]
    model = np.concatenate([each.model for each in found])
    return IterationTable(
        start_ns=np.concatenate([each.start_ns for each in found]),
        end_ns=np.concatenate([each.end_ns for each in found]),
        thread_index=np.repeat(np.arange(len(found), dtype=np.int32), counts),
        complete=np.concatenate([each.complete for each in found]),
        stage_ns=np.concatenate([each.stage_ns for each in found]),
        model_start_ns=model[:, 0],
        model_end_ns=model[:, 1],
        threads=tuple(each.described for each in found),
    )


def pieces_of(found: tuple[ThreadIterations, ...]) -> LoopPieces:
    """Their time in order, with the rows of the table."""
    none = np.empty(0, np.int64)
    before = np.cumsum([0, *(len(each.start_ns) for each in found)]).tolist()
    owners = [each.pieces.owner + first for each, first in zip(found, before, strict=False)]
    return LoopPieces(
        iteration=np.concatenate([none, *owners]),
        start_ns=np.concatenate([none, *(each.pieces.start_ns for each in found)]),
        end_ns=np.concatenate([none, *(each.pieces.end_ns for each in found)]),
        stage_index=np.concatenate([none, *(each.pieces.code for each in found)]),
    )


def _cut(
    host: Plane,
    thread: PythonThread,
    spans: Spans,
    executed: IntervalSet,
    samples: StackSamples | Unavailable,
    reach_ns: Int64s,
    others_ns: Int64s,
) -> ThreadIterations:
    events = host.events
    layers = find_layers(events, thread, spans)
    known = merge(*(each for _, each in layers))
    conversions = merge(*(each for stage, each in layers if stage is LoopStage.CONVERT))
    blanks = find_blanks(events, thread, spans, known, conversions)
    first_call, last_call = model_bounds(layers, executed, spans)
    line_id = host.lines[thread.line].id
    python = place_samples(
        samples, reach_ns, line_id, blanks, known, spans, first_call, others_ns, executed
    )
    # While a JAX program waits for what it calls, XLA executes on other threads.
    works = [each for each in python.layers if each[0] not in _WAITING]
    waits = [each for each in python.layers if each[0] in _WAITING]
    model = (LoopStage.MODEL, executed)
    all_layers = [*layers, *stage_annotations(events, thread), *works, model, *waits]
    pieces = tile(
        spans.start_ns,
        spans.end_ns,
        [_owned(stage, each, spans) for stage, each in all_layers],
        LoopStage.NOT_KNOWN.index,
    )
    stage_ns = pieces.sums_ns(len(spans.start_ns), len(LOOP_STAGES))
    line = host.lines[thread.line]
    shown = [i for i, each in enumerate(host.lines) if each.name == line.name]
    name = line.name if len(shown) == 1 else f"{line.name} #{shown.index(thread.line) + 1}"
    described = LoopThread(
        name, line.id, spans.found_by, spans.regularity, call_of(events, thread, executed)
    )
    bounds = np.stack((first_call, last_call), axis=1)
    return ThreadIterations(
        thread,
        spans.start_ns,
        spans.end_ns,
        spans.complete,
        pieces,
        stage_ns,
        bounds,
        described,
        python,
    )


def _owned(stage: LoopStage, intervals: IntervalSet, spans: Spans) -> Layer:
    """The parts of the intervals in each iteration."""
    first = np.searchsorted(spans.end_ns, intervals.start_ns, side="right")
    stop = np.searchsorted(spans.start_ns, intervals.end_ns, side="left")
    count = np.maximum(stop - first, 0)
    which = np.repeat(np.arange(len(intervals)), count)
    begin = np.repeat(np.cumsum(count) - count, count)
    owner = np.repeat(first, count) + np.arange(len(which)) - begin
    low = np.maximum(intervals.start_ns[which], spans.start_ns[owner])
    high = np.minimum(intervals.end_ns[which], spans.end_ns[owner])
    return Layer(stage.index, owner, low, high)
