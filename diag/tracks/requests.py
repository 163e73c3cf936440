"""Requests and, inside each, its stages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diag.analysis.requests.choice import slowest
from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.serving import MODES, STAGES
from diag.model.tracks import Details, Slices, SliceTrack, TrackGroup, Value
from diag.tracks.lanes import disjoint_lanes

# A path takes 0.1 to 0.3 ms; more requests than these, the slowest, are shown without stages.
PATHS_MAX = 10_000
_STAGE_NAMES = tuple(stage.value for stage in STAGES)


def request_group(
    analysis: Analysis, arrows: Mapping[int, tuple[range, ...]], paths_max: int = PATHS_MAX
) -> tuple[TrackGroup, int]:
    """The requests by model, and how many of them have no stages because there are too many.

    Args:
        analysis: Where the requests are.
        arrows: Numbers of arrows by row of the request table.
        paths_max: The most requests with stages.
    """
    requests = analysis.requests
    detailed = np.sort(slowest(requests, paths_max))
    pieces = _pieces(analysis, detailed)
    tracks: list[SliceTrack] = []
    for index, model in enumerate(requests.models):
        mine = np.flatnonzero(requests.model_index == index)
        lane = disjoint_lanes(requests.start_ns[mine], requests.end_ns[mine])
        for each in range(int(lane.max(initial=-1)) + 1):
            slices = _lane(analysis, mine[lane == each], pieces, arrows)
            tracks.append(SliceTrack(model, slices, lane_of=index + 1))
    group = TrackGroup(
        "requests",
        "Requests by model, from begin to end of the handler, and their stages.",
        is_recorded=False,
        tracks=tuple(tracks),
    )
    return group, len(requests) - len(detailed)


def _pieces(analysis: Analysis, rows: Int64s) -> dict[int, tuple[Int64s, Int64s, Int64s]]:
    """Start, end and stage of the pieces of each request."""
    paths = analysis.paths
    if isinstance(paths, Unavailable):
        return {}
    found: dict[int, tuple[Int64s, Int64s, Int64s]] = {}
    for row in rows.tolist():
        path = paths.of(row).merged()
        if len(path):
            found[row] = path.start_ns, path.end_ns, path.stage_index
    return found


def _lane(
    analysis: Analysis,
    rows: Int64s,
    pieces: Mapping[int, tuple[Int64s, Int64s, Int64s]],
    arrows: Mapping[int, tuple[range, ...]],
) -> Slices:
    """Requests that do not overlap, each followed by its stages."""
    requests = analysis.requests
    inner = [pieces[row] for row in rows.tolist() if row in pieces]
    start_ns = np.concatenate([requests.start_ns[rows], *(start for start, _, _ in inner)])
    end_ns = np.concatenate([requests.end_ns[rows], *(end for _, end, _ in inner)])
    stage = [stage for _, _, stage in inner]
    name_id = np.concatenate([len(STAGES) + np.arange(len(rows)), *stage]).astype(np.int64)
    order = np.lexsort((np.arange(len(start_ns)), -end_ns, start_ns))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    details = {
        int(place[i]): Details(_facts(analysis, row), arrows.get(row, ()))
        for i, row in enumerate(rows.tolist())
    }
    names = (*_STAGE_NAMES, *(f"request {row}" for row in rows.tolist()))
    return Slices(start_ns[order], end_ns[order], name_id[order], names, details=details)


def _facts(analysis: Analysis, row: int) -> tuple[tuple[str, Value], ...]:
    """As in the table of requests; what is not known is left out, and so are stages of 0 ns."""
    requests = analysis.requests
    facts: list[tuple[str, Value]] = [
        ("request", row),
        ("model", requests.models[requests.model_index[row]]),
        ("mode", MODES[requests.mode_index[row]].value),
        ("complete", "yes" if requests.complete[row] else "no"),
    ]
    if requests.rows[row] >= 0:
        facts.append(("rows", int(requests.rows[row])))
    times_ns = requests.stage_ns[row].tolist()
    facts += [
        (stage.column, time_ns) for stage, time_ns in zip(STAGES, times_ns, strict=True) if time_ns
    ]
    return tuple(facts)
