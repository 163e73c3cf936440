"""How many requests were in the server and in its batch queues over time, bounded in number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.serving import Stage
from diag.report.model import Series
from diag.report.rows import number_column

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.model.events import Int64s
    from diag.report.model import Cell

STEPS_MAX = 4_000
SLICES = 1_000
TIME = number_column("time_ns", "time", "ns", "From the window's start.")
STEP_COLUMNS = (
    TIME,
    number_column("in_flight", "in flight", "requests", "Requests in the server from then on."),
    number_column("queued", "queued", "requests", "Those of them that wait in a batch queue."),
)
SLICE_COLUMNS = (
    number_column("start_ns", "start", "ns", "From the window's start."),
    number_column("end_ns", "end", "ns", "From the window's start, half-open."),
    number_column("in_flight", "mean", "requests", "Mean number of requests in the server."),
    number_column("peak", "peak", "requests", "Most requests in the server at once."),
    number_column("queued", "queued", "requests", "Mean number of requests in batch queues."),
    number_column("queued_peak", "queued peak", "requests", "Most requests in queues at once."),
)
_WAITS = [Stage.QUEUE_FILL.index, Stage.QUEUE_THREAD.index, Stage.QUEUE_DISPATCH.index]


def in_flight_series(
    analysis: Analysis, steps_max: int = STEPS_MAX, slices: int = SLICES
) -> Series:
    """Steps at every change of a number, or mean and peak by slice where there are many.

    Args:
        analysis: Where the requests are.
        steps_max: The most steps of a series.
        slices: How many equal slices of the window a series of many steps gets.
    """
    window, requests = analysis.capture.window, analysis.requests
    begins, ends = queue_visits(analysis)
    levels = [
        _level(requests.start_ns - window.start_ns, requests.end_ns - window.start_ns),
        _level(begins - window.start_ns, ends - window.start_ns),
    ]
    times = _distinct(np.concatenate([time for time, _ in levels]))
    title = "Requests in the server and in batch queues"
    if len(times) <= steps_max:
        values: dict[str, tuple[Cell, ...]] = {"time_ns": tuple(times.tolist())}
        for key, level in zip(("in_flight", "queued"), levels, strict=True):
            values[key] = tuple(_value_at(*level, times).tolist())
        return Series("in_flight", title, "steps", STEP_COLUMNS, values)
    edges = np.linspace(0, window.duration_ns, slices + 1).astype(np.int64)
    values = {"start_ns": tuple(edges[:-1].tolist()), "end_ns": tuple(edges[1:].tolist())}
    for keys, level in zip((("in_flight", "peak"), ("queued", "queued_peak")), levels, strict=True):
        mean, peak = _by_slice(*level, edges)
        values[keys[0]], values[keys[1]] = tuple(mean.tolist()), tuple(peak.tolist())
    note = f"mean and peak of {slices:,} equal slices of the window"
    return Series("in_flight", title, "bars", SLICE_COLUMNS, values, note)


def queue_visits(analysis: Analysis) -> tuple[Int64s, Int64s]:
    """When requests joined their last batch's queue, and when the batch was taken from it."""
    requests, batches = analysis.requests, analysis.batches
    mine = np.flatnonzero(np.diff(requests.batch_offsets) > 0)
    last = requests.batch_index[requests.batch_offsets[mine + 1] - 1]
    taken_ns = batches.start_ns[last]
    joined_ns = taken_ns - requests.stage_ns[mine][:, _WAITS].sum(axis=1)
    joined_ns = np.maximum(joined_ns, requests.start_ns[mine])
    waited = taken_ns > joined_ns
    return joined_ns[waited], taken_ns[waited]


def _level(begins: Int64s, ends: Int64s) -> tuple[Int64s, Int64s]:
    """Times of change, and the number of half-open intervals from then on."""
    times = np.concatenate([begins, ends])
    change = np.concatenate([np.ones(len(begins), np.int64), -np.ones(len(ends), np.int64)])
    # All that happens at one time is one change: where one begins as another ends, none is added.
    at, index = np.unique(times, return_inverse=True)
    sums = np.zeros(len(at), np.int64)
    np.add.at(sums, index, change)
    return at, np.cumsum(sums)


def _distinct(values: Int64s) -> Int64s:
    """Sorted, each once; for large numbers several times as fast as ``np.unique``."""
    ordered = np.sort(values)
    return ordered[np.diff(ordered, prepend=ordered[:1] - 1) > 0]


def _value_at(times: Int64s, level: Int64s, at: Int64s) -> Int64s:
    """The level at given times; 0 before the first change."""
    if not len(times):
        return np.zeros(len(at), np.int64)
    rank = np.searchsorted(times, at, side="right") - 1
    return np.where(rank >= 0, level[np.maximum(rank, 0)], 0)


def _by_slice(
    times: Int64s, level: Int64s, edges: Int64s
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Int64s]:
    """Mean and peak of a step function between each two edges."""
    at = _distinct(np.concatenate([times, edges]))
    value, lengths = _value_at(times, level, at), np.diff(at)
    inside = (at[:-1] >= edges[0]) & (at[:-1] < edges[-1])
    owner = np.searchsorted(edges, at[:-1], side="right")[inside] - 1
    area, peak = np.zeros(len(edges) - 1, np.int64), np.zeros(len(edges) - 1, np.int64)
    np.add.at(area, owner, (value[:-1] * lengths)[inside])
    np.maximum.at(peak, owner, value[:-1][inside])
    return area / np.maximum(1, np.diff(edges)), peak
