"""Iterations of Python loops and, inside each, its stages."""

from __future__ import annotations

import numpy as np

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.loops import LOOP_STAGES, Loops
from diag.model.tracks import Details, Slices, SliceTrack, TrackGroup, Value

# As many as requests: an iteration that runs op by op has a hundred pieces.
DETAILED_MAX = 10_000
_STAGE_NAMES = tuple(stage.value for stage in LOOP_STAGES)


def iteration_group(analysis: Analysis, detailed_max: int = DETAILED_MAX) -> tuple[TrackGroup, int]:
    """The iterations of each thread, and how many have no stages because there are too many.

    Args:
        analysis: Where the iterations are; without any, the group has no track.
        detailed_max: The most iterations with stages: the slowest.
    """
    loops = analysis.loops
    tracks: tuple[SliceTrack, ...] = ()
    without = 0
    if not isinstance(loops, Unavailable):
        table = loops.iterations
        detailed = np.zeros(len(table), np.bool_)
        detailed[np.argsort(-table.duration_ns, kind="stable")[:detailed_max]] = True
        without = int((~detailed).sum())
        pieces = np.flatnonzero(detailed[loops.pieces.iteration])
        tracks = tuple(
            SliceTrack(thread.name, _slices(loops, np.flatnonzero(table.thread_index == i), pieces))
            for i, thread in enumerate(table.threads)
        )
    group = TrackGroup(
        "iterations",
        "Iterations of Python loops by thread, and their stages.",
        is_recorded=False,
        tracks=tracks,
    )
    return group, without


def _slices(loops: Loops, rows: Int64s, pieces: Int64s) -> Slices:
    """The iterations of a thread, each followed by its pieces.

    Args:
        loops: All of them.
        rows: The thread's, of the table.
        pieces: Of all threads, those to show.
    """
    table, cut = loops.iterations, loops.pieces
    mine = pieces[np.isin(cut.iteration[pieces], rows)]
    start_ns = np.concatenate([table.start_ns[rows], cut.start_ns[mine]])
    end_ns = np.concatenate([table.end_ns[rows], cut.end_ns[mine]])
    name_id = np.concatenate([len(LOOP_STAGES) + np.arange(len(rows)), cut.stage_index[mine]])
    order = np.lexsort((np.arange(len(start_ns)), -end_ns, start_ns))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    details = {int(place[i]): Details(_facts(loops, row)) for i, row in enumerate(rows.tolist())}
    names = (*_STAGE_NAMES, *(f"iteration {row}" for row in rows.tolist()))
    return Slices(start_ns[order], end_ns[order], name_id[order], names, details=details)


def _facts(loops: Loops, row: int) -> tuple[tuple[str, Value], ...]:
    """As in the table of iterations; stages of 0 ns are left out."""
    table = loops.iterations
    facts: list[tuple[str, Value]] = [
        ("iteration", row),
        ("call", table.threads[table.thread_index[row]].call),
        ("complete", "yes" if table.complete[row] else "no"),
    ]
    times_ns = table.stage_ns[row].tolist()
    facts += [
        (stage.column, time_ns)
        for stage, time_ns in zip(LOOP_STAGES, times_ns, strict=True)
        if time_ns
    ]
    return tuple(facts)
