"""Requests, iterations and batches as single spans for a timeline, bounded in number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.loops import LOOP_STAGES
from diag.model.serving import CLOSE_REASONS, STAGES
from diag.report.model import Series
from diag.report.rows import name_column, number_column, text_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.analysis.result import Analysis
    from diag.model.events import Int64s
    from diag.model.loops import Loops, LoopStage
    from diag.model.serving import Stage
    from diag.model.window import Window
    from diag.report.model import Cell, Column

SPANS_MAX = 4_000
LONGEST = 200  # kept wherever they are, so that the tail of a busy second is whole
SLICES = 400  # each keeps the longest that begin in it, so that no time is without
START = number_column("start_ns", "start", "ns", "From the window's start.")
END = number_column("end_ns", "end", "ns", "From the window's start, half-open.")


def request_spans(analysis: Analysis, spans_max: int = SPANS_MAX) -> Series:
    """Requests with the time of their stages, which come in the order of a request's path."""
    table = analysis.requests
    window = analysis.capture.window
    mine = chosen_spans(table.start_ns, table.end_ns, window, spans_max)
    models = [table.models[index] for index in table.model_index[mine].tolist()]
    return Series(
        "requests",
        "Requests by stage",
        "spans",
        (START, END, name_column("model", "model", "Its model."), *_columns(STAGES)),
        {
            **_edges(table.start_ns[mine], table.end_ns[mine], window),
            "model": tuple(models),
            **_stages(STAGES, table.stage_ns[mine]),
        },
        _note(len(mine), len(table), "requests", spans_max),
    )


def iteration_spans(loops: Loops, window: Window, spans_max: int = SPANS_MAX) -> Series:
    """Iterations of a Python loop with the time of their stages."""
    table = loops.iterations
    mine = chosen_spans(table.start_ns, table.end_ns, window, spans_max)
    threads = [table.threads[index].name for index in table.thread_index[mine].tolist()]
    return Series(
        "iterations",
        "Iterations by stage",
        "spans",
        (START, END, name_column("thread", "thread", "Its thread."), *_columns(LOOP_STAGES)),
        {
            **_edges(table.start_ns[mine], table.end_ns[mine], window),
            "thread": tuple(threads),
            **_stages(LOOP_STAGES, table.stage_ns[mine]),
        },
        _note(len(mine), len(table), "iterations", spans_max),
    )


def batch_spans(analysis: Analysis, spans_max: int = SPANS_MAX) -> Series:
    """Batches from dequeue to done, in rows that have no two at a time."""
    table, window = analysis.batches, analysis.capture.window
    mine = chosen_spans(table.start_ns, table.end_ns, window, spans_max)
    columns = (
        START,
        END,
        number_column("rows", "rows", "rows", "Rows of the batch, before padding; -1: not known."),
        text_column("reason", "started because", "Why it stopped taking rows, as a code."),
        text_column("queue", "queue", "Key of its queue."),
        number_column("lane", "lane", "count", "Row of the drawing; batches in one never overlap."),
    )
    reasons = [CLOSE_REASONS[index].value for index in table.close_reason_index[mine].tolist()]
    start_ns, end_ns = table.start_ns[mine], table.end_ns[mine]
    return Series(
        "batch_spans",
        "Batches",
        "spans",
        columns,
        {
            **_edges(start_ns, end_ns, window),
            "rows": tuple(table.rows[mine].tolist()),
            "reason": tuple(reasons),
            "queue": tuple(table.queues[i].key for i in table.queue_index[mine].tolist()),
            "lane": tuple(_lanes(start_ns.tolist(), end_ns.tolist())),
        },
        _note(len(mine), len(table), "batches", spans_max),
    )


def chosen_spans(start_ns: Int64s, end_ns: Int64s, window: Window, spans_max: int) -> Int64s:
    """Indices of all, or of the longest of the window and of each of its slices, by start."""
    duration_ns = end_ns - start_ns
    if len(start_ns) <= spans_max:
        return np.argsort(start_ns, kind="stable")
    longest_first = np.argsort(-duration_ns, kind="stable")
    size_ns = max(1, -(-window.duration_ns // SLICES))
    slice_of = np.clip((start_ns - window.start_ns) // size_ns, 0, SLICES - 1)[longest_first]
    order = np.argsort(slice_of, kind="stable")  # by slice, the longest first
    begins = np.searchsorted(slice_of[order], np.arange(SLICES))
    rank = np.arange(len(order)) - begins[slice_of[order]]
    of_slices = longest_first[order[rank < _each(spans_max)]]
    mine = np.union1d(longest_first[:LONGEST], of_slices)
    return mine[np.argsort(start_ns[mine], kind="stable")]


def _each(spans_max: int) -> int:
    return max(1, (spans_max - LONGEST) // SLICES)


def _note(shown: int, n: int, what: str, spans_max: int) -> str:
    if shown == n:
        return ""
    return (
        f"{shown:,} of {n:,} {what}: the {LONGEST} longest, and the {_each(spans_max)} longest "
        f"that begin in each 1/{SLICES} of the window"
    )


def _edges(start_ns: Int64s, end_ns: Int64s, window: Window) -> dict[str, tuple[Cell, ...]]:
    return {
        "start_ns": tuple((start_ns - window.start_ns).tolist()),
        "end_ns": tuple((end_ns - window.start_ns).tolist()),
    }


def _columns(stages: Sequence[Stage | LoopStage]) -> tuple[Column, ...]:
    return tuple(
        number_column(each.column, each.value, "ns", f"Time in {each.value}.") for each in stages
    )


def _stages(
    stages: Sequence[Stage | LoopStage], stage_ns: np.ndarray[tuple[int, int], np.dtype[np.int64]]
) -> dict[str, tuple[Cell, ...]]:
    return {each.column: tuple(stage_ns[:, each.index].tolist()) for each in stages}


def _lanes(start_ns: list[int], end_ns: list[int]) -> list[int]:
    """The first lane that is free at each start; spans come ordered by start."""
    free_from: list[int] = []
    lanes = []
    for start, end in zip(start_ns, end_ns, strict=True):
        lane = next((i for i, free in enumerate(free_from) if free <= start), len(free_from))
        free_from[lane : lane + 1] = [end]
        lanes.append(lane)
    return lanes
