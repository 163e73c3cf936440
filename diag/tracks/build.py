"""make_tracks(): everything of an analysis that has a place in time."""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.result import Analysis
from diag.model.tracks import TrackGroup, TrackSet
from diag.tracks.arrows import find_arrows
from diag.tracks.batches import batch_group
from diag.tracks.idle import idle_group
from diag.tracks.iterations import iteration_group
from diag.tracks.load import load_group
from diag.tracks.recorded import recorded_group
from diag.tracks.requests import request_group
from diag.tracks.samples import sample_group
from diag.tracks.stacks import stack_group


def make_tracks(analysis: Analysis) -> TrackSet:
    """What diag computed first, then the trace's own threads and streams; groups are not empty."""
    left_out: list[str] = []
    groups = tuple(group for group in _groups(analysis, left_out) if group.tracks)
    capture = analysis.capture
    return TrackSet(capture.name, capture.origin_unix_ns, groups, tuple(left_out))


def _groups(analysis: Analysis, left_out: list[str]) -> Iterator[TrackGroup]:
    arrows = find_arrows(analysis)
    group, without = request_group(analysis, arrows.of_request)
    if without:
        left_out.append(f"Stages are left out of {without:,} requests; the slowest have them.")
    yield group
    yield batch_group(analysis, arrows.of_batch)
    group, without = iteration_group(analysis)
    if without:
        left_out.append(f"Stages are left out of {without:,} iterations; the slowest have them.")
    yield group
    yield stack_group(analysis)
    yield idle_group(analysis)
    yield load_group(analysis)
    group, why = sample_group(analysis)
    if why:
        left_out.append(why)
    yield group
    for plane, arrow in zip(analysis.capture.planes, arrows.of_events, strict=True):
        group, lost = recorded_group(plane, arrow)
        if lost:
            left_out.append(
                f"{lost:,} events of {group.name} are left out: too many of one line overlap."
            )
        yield group
