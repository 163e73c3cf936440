"""Slices that overlap, on as many lanes as they need."""

from __future__ import annotations

import heapq

import numpy as np

from diag.formats.tracks.edges import edges_of, nest
from diag.model.events import Int64s

# A viewer shows no more below each other; a hostile trace may ask for millions.
LANES_MAX = 32


def disjoint_lanes(start_ns: Int64s, end_ns: Int64s) -> Int64s:
    """(n,) lane of each interval, so that those of one lane do not overlap; lanes are reused.

    Args:
        start_ns: (n,) ascending.
        end_ns: (n,) half-open.
    """
    lane = np.zeros(len(start_ns), np.int64)
    free: list[int] = []
    running: list[tuple[int, int]] = []
    lanes = 0
    for row, (start, end) in enumerate(zip(start_ns.tolist(), end_ns.tolist(), strict=True)):
        while running and running[0][0] <= start:
            heapq.heappush(free, heapq.heappop(running)[1])
        if free:
            lane[row] = heapq.heappop(free)
        else:
            lane[row] = lanes
            lanes += 1
        heapq.heappush(running, (end, int(lane[row])))
    return lane


def nested_lanes(start_ns: Int64s, end_ns: Int64s) -> Int64s | None:
    """(n,) lane of each slice, so that those of one lane nest or do not touch.

    Nearly every thread and stream needs one lane. -1 for a slice that fits none of the first
    ``LANES_MAX`` lanes.

    Args:
        start_ns: (n,) ascending; of equal starts the longest first.
        end_ns: (n,) half-open.

    Returns:
        None where one lane holds all.
    """
    if nest(edges_of(start_ns, end_ns), start_ns, end_ns):
        return None
    lane = np.full(len(start_ns), -1, np.int64)
    stacks: list[list[int]] = []
    for row, (start, end) in enumerate(zip(start_ns.tolist(), end_ns.tolist(), strict=True)):
        found = _lane_with_room(stacks, start, end)
        if found >= 0:
            stacks[found].append(end)
        lane[row] = found
    return lane


def _lane_with_room(open_ends: list[list[int]], start: int, end: int) -> int:
    """The first lane that can take a slice, a new one if need be, -1 if there are too many."""
    for index, stack in enumerate(open_ends):
        while stack and stack[-1] <= start:
            stack.pop()
        if not stack or stack[-1] >= end:
            return index
    if len(open_ends) == LANES_MAX:
        return -1
    open_ends.append([])
    return len(open_ends) - 1
