"""The Python functions that each thread was in, by samples of its stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.stacks import StackSamples
from diag.model.tracks import Slices, SliceTrack, TrackGroup

# Functions below each other; the program's own are seldom more than ten deep.
DEPTH_MAX = 32


def stack_group(analysis: Analysis) -> TrackGroup:
    """A track for each sampled thread; without samples the group has none."""
    samples = analysis.capture.stacks
    tracks: tuple[SliceTrack, ...] = ()
    if not isinstance(samples, Unavailable):
        names = {line.id: line.name for plane in analysis.capture.planes for line in plane.lines}
        tracks = tuple(_tracks(samples, names))
    return TrackGroup(
        "functions",
        "The program's functions by samples of the stacks; of libraries, only the innermost one.",
        is_recorded=False,
        tracks=tracks,
    )


def _tracks(samples: StackSamples, names: Mapping[int, str]) -> Iterator[SliceTrack]:
    shown = tuple(_shown(samples, stack) for stack in samples.stacks)
    labels = tuple(f"{frame.file}:{frame.first_line} {frame.function}" for frame in samples.frames)
    paths, reach_ns = _paths(shown), samples.reach_ns
    for thread in np.unique(samples.thread_id).tolist():
        rows = np.flatnonzero(samples.thread_id == thread)
        rows = rows[np.argsort(samples.time_ns[rows], kind="stable")]
        name = names.get(int(samples.line_id[rows[0]]), "") or f"thread {thread}"
        yield SliceTrack(name, _slices(samples, reach_ns, rows, paths, labels))


def _shown(samples: StackSamples, stack: tuple[int, ...]) -> tuple[int, ...]:
    """The program's frames, and the innermost one of all."""
    own = [frame for frame in stack[:-1] if samples.frames[frame].is_user]
    return (*own[: DEPTH_MAX - 1], stack[-1])


def _paths(shown: tuple[tuple[int, ...], ...]) -> tuple[tuple[Int64s, Int64s], ...]:
    """At each depth: by stack, the number of its path from the outermost frame, and its frame.

    Both are -1 where the stack is not so deep. Equal paths have equal numbers.
    """
    depth = max(map(len, shown), default=0)
    path, frame = np.full((depth, len(shown)), -1), np.full((depth, len(shown)), -1)
    numbers: dict[tuple[int, ...], int] = {}
    for index, stack in enumerate(shown):
        for level, each in enumerate(stack):
            path[level, index] = numbers.setdefault(stack[: level + 1], len(numbers))
            frame[level, index] = each
    return tuple(zip(path, frame, strict=True))


def _slices(
    samples: StackSamples,
    reach_ns: Int64s,
    rows: Int64s,
    paths: tuple[tuple[Int64s, Int64s], ...],
    labels: tuple[str, ...],
) -> Slices:
    """Samples in a row that share a path are one slice.

    A sample stands for its ticks, each from half a tick before it to half a tick after it, whenever
    it was read; where the sampler did not see the thread, no slice is.
    """
    at, reach = samples.time_ns[rows], reach_ns[rows]
    end_ns = reach + samples.weight[rows].astype(np.int64) * samples.period_ns
    is_next = reach[1:] <= end_ns[:-1] + samples.period_ns // 2
    edge_ns = np.clip(reach[1:], at[:-1], at[1:])
    start_ns = np.append(reach[:1], np.where(is_next, edge_ns, reach[1:]))
    end_ns[:-1] = np.where(is_next, edge_ns, end_ns[:-1])
    stack = samples.stack_id[rows]
    starts, ends, frames = [], [], []
    for path, frame in paths:
        here = path[stack]
        begins = np.append(True, (here[1:] != here[:-1]) | ~is_next)
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(rows)) - 1
        kept = here[first] >= 0
        starts.append(start_ns[first[kept]])
        ends.append(end_ns[last[kept]])
        frames.append(frame[stack[first[kept]]])
    start, end, name = (np.concatenate(column) for column in (starts, ends, frames))
    level = np.repeat(np.arange(len(starts)), [len(each) for each in starts])
    order = np.lexsort((level, -end, start))
    return Slices(start[order], end[order], name[order], labels)
