"""The captures of one side as columns: one row a request, and one row a bin of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diag.findings.shares import most_held_up
from diag.model.availability import Unavailable
from diag.model.gaps import IDLE_CAUSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.analysis.result import Analysis, GapSummary
    from diag.model.events import Int64s


@dataclass(frozen=True, slots=True)
class RequestSeries:
    """Complete requests of all captures of a side, in order of capture, then start.

    Attributes:
        duration_ns: (n,) int64.
        stage_ns: (n, stages) int64.
        rows: (n,) int64, examples in the request; -1 unknown.
        lengths: Requests of each capture that has any.
    """

    duration_ns: Int64s
    stage_ns: NDArray[np.int64]
    rows: Int64s
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WindowSeries:
    """Bins of equal width over the windows of all captures of a side.

    Attributes:
        idle_ratio: (bins, causes) float64, of the timeline that is held up most; Unavailable where
            nothing executed in one of the captures.
        arrivals: (bins,) float64, complete requests that began in the bin.
        width_ns: Of a bin.
        lengths: Bins of each capture that has any.
    """

    idle_ratio: NDArray[np.float64] | Unavailable
    arrivals: NDArray[np.float64]
    width_ns: int
    lengths: tuple[int, ...]


def request_series(analyses: tuple[Analysis, ...]) -> RequestSeries:
    """The complete requests of captures."""
    tables = [(each.requests, each.requests.complete) for each in analyses]
    return RequestSeries(
        duration_ns=np.concatenate([table.duration_ns[whole] for table, whole in tables]),
        stage_ns=np.concatenate([table.stage_ns[whole] for table, whole in tables]),
        rows=np.concatenate([table.rows[whole] for table, whole in tables]),
        lengths=tuple(n for n in (int(whole.sum()) for _, whole in tables) if n),
    )


def window_series(analyses: tuple[Analysis, ...], width_ns: int) -> WindowSeries:
    """Idle time and arrivals of captures, in bins of one width; a rest at the end is left out.

    The bins lie in the timeline's window: a GPU is not known before its tracer started.

    Args:
        analyses: Of the side.
        width_ns: Above 0, and the same on both sides.
    """
    idle, arrivals, missing = [], [], None
    for analysis in analyses:
        summary = most_held_up(analysis)
        window = analysis.capture.window if summary is None else summary.timeline.window
        edges = window.start_ns + width_ns * np.arange(window.duration_ns // width_ns + 1)
        if summary is None:
            missing = Unavailable("nothing executed in a capture")
        else:
            idle.append(_idle_ratio(analysis, summary, edges))
        begun = analysis.requests.start_ns[analysis.requests.complete]
        arrivals.append(np.histogram(begun, edges)[0].astype(np.float64))
    return WindowSeries(
        idle_ratio=np.concatenate(idle) if missing is None else missing,
        arrivals=np.concatenate(arrivals),
        width_ns=width_ns,
        lengths=tuple(len(each) for each in arrivals if len(each)),
    )


def _idle_ratio(analysis: Analysis, summary: GapSummary, edges: Int64s) -> NDArray[np.float64]:
    """(bins, causes) part of each bin in which the timeline was idle for each cause."""
    ratio = np.zeros((len(edges) - 1, len(IDLE_CAUSES)))
    gaps = analysis.gaps
    mine = gaps.timeline_index == analysis.timelines.index(summary.timeline)
    for cause in IDLE_CAUSES:
        of_cause = mine & (gaps.cause_index == cause.index)
        start, end = gaps.start_ns[of_cause], gaps.end_ns[of_cause]
        if not len(start):
            continue
        # Idle time before a moment is piecewise linear: flat between pieces, rising within.
        moments = np.stack([start, end], axis=1).ravel()
        passed = np.cumsum(np.stack([np.zeros_like(start), end - start], axis=1).ravel())
        ratio[:, cause.index] = np.diff(np.interp(edges, moments, passed)) / np.diff(edges)
    return ratio
