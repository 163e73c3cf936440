"""The trace's own threads and streams, as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diag.model.events import Int64s, Plane
from diag.model.tracks import Slices, SliceTrack, TrackGroup
from diag.tracks.lanes import nested_lanes

_MEANING = "Threads or streams as the server's profiler recorded them, under their own names."


def recorded_group(plane: Plane, arrow: Int64s | None) -> tuple[TrackGroup, int]:
    """All events of a plane, and how many found no place on any lane.

    Args:
        plane: With events.
        arrow: (events,) number of the arrow to each event, 0 for none; None without arrows.
    """
    tracks: list[SliceTrack] = []
    lost = 0
    bounds = np.searchsorted(plane.events.line_index, np.arange(len(plane.lines) + 1)).tolist()
    for index, line in enumerate(plane.lines):
        rows = slice(bounds[index], bounds[index + 1])
        if rows.start == rows.stop:
            continue
        name = line.name or f"line {line.id}"
        found = list(_lanes(plane, rows, arrow))
        tracks += [
            SliceTrack(name, slices, lane_of=index + 1 if len(found) > 1 else 0) for slices in found
        ]
        lost += rows.stop - rows.start - sum(map(len, found))
    return TrackGroup(plane.name or f"plane {plane.id}", _MEANING, True, tuple(tracks)), lost


def _lanes(plane: Plane, rows: slice, arrow: Int64s | None) -> Iterator[Slices]:
    """The slices of a line; those that overlap others without nesting on lanes of their own."""
    events = plane.events
    lane = nested_lanes(events.start_ns[rows], events.end_ns[rows])
    if lane is None:
        yield _slices(plane, rows, arrow)
        return
    for each in range(int(lane.max()) + 1):
        yield _slices(plane, rows.start + np.flatnonzero(lane == each), arrow)


def _slices(plane: Plane, rows: slice | Int64s, arrow: Int64s | None) -> Slices:
    events = plane.events
    return Slices(
        start_ns=events.start_ns[rows],
        end_ns=events.end_ns[rows],
        name_id=events.name_id[rows],
        names=events.names,
        arrow=None if arrow is None else arrow[rows],
    )
