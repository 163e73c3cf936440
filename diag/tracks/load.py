"""Counters computed from the trace: requests in flight, tasks in queues, busy devices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diag.analysis.result import Analysis
from diag.model.availability import Unavailable
from diag.model.events import Int64s
from diag.model.tracks import CounterTrack, TrackGroup
from diag.tracks.batches import queue_label

# Steps of a busy share: a screen shows no more columns.
BUSY_STEPS = 2_000


def load_group(analysis: Analysis) -> TrackGroup:
    """Counters over the whole window."""
    return TrackGroup(
        "load",
        "Requests and tasks that were recorded whole, and how busy each device was by the trace.",
        is_recorded=False,
        tracks=(
            *_requests(analysis),
            *_queues(analysis),
            *_busy(analysis),
        ),
    )


def _requests(analysis: Analysis) -> Iterator[CounterTrack]:
    requests = analysis.requests
    if len(requests):
        yield open_count("requests in flight", "requests", requests.start_ns, requests.end_ns)


def _queues(analysis: Analysis) -> Iterator[CounterTrack]:
    if isinstance(analysis.paths, Unavailable):
        return
    waits = analysis.paths.queue_waits()
    for index in range(len(analysis.batches.queues)):
        mine = np.flatnonzero(waits.queue_index == index)
        if len(mine):
            name = f"tasks in queue of {queue_label(analysis, index)}"
            yield open_count(name, "tasks", waits.enqueued_ns[mine], waits.taken_ns[mine])


def _busy(analysis: Analysis) -> Iterator[CounterTrack]:
    gaps = analysis.gaps
    for index, timeline in enumerate(analysis.timelines):
        window = timeline.window
        steps = min(BUSY_STEPS, window.duration_ns)
        if not steps:
            continue
        mine = np.flatnonzero(gaps.timeline_index == index)
        edges = np.linspace(window.start_ns, window.end_ns, steps + 1).astype(np.int64)
        idle_ns = np.diff(_covered_before(edges, gaps.start_ns[mine], gaps.end_ns[mine]))
        share = 100.0 - 100.0 * idle_ns / np.diff(edges)
        yield CounterTrack(
            f"{timeline.name} busy",
            "%",
            edges,
            np.append(share, 0.0),  # nothing is known after the window
        )


def open_count(name: str, unit: str, start_ns: Int64s, end_ns: Int64s) -> CounterTrack:
    """How many of some intervals are open at each time at which that changes.

    Args:
        name: Of the counter.
        unit: What is counted.
        start_ns: (n,) in any order.
        end_ns: (n,) half-open.
    """
    times, place = np.unique(np.concatenate([start_ns, end_ns]), return_inverse=True)
    change = np.zeros(len(times), np.int64)
    np.add.at(change, place[: len(start_ns)], 1)
    np.add.at(change, place[len(start_ns) :], -1)
    return CounterTrack(name, unit, times, np.cumsum(change).astype(np.float64))


def _covered_before(at_ns: Int64s, start_ns: Int64s, end_ns: Int64s) -> Int64s:
    """(n,) time covered by disjoint ascending intervals before each instant."""
    before = np.concatenate([[0], np.cumsum(end_ns - start_ns)])
    index = np.searchsorted(start_ns, at_ns, side="right")
    open_end = np.append(0, end_ns)[index]
    return before[index] - np.maximum(0, open_end - at_ns)
