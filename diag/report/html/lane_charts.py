"""The timeline as fixed charts: devices, requests in flight, samples, on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diag.model.quantity import instant
from diag.report.charts import svg
from diag.report.charts.palette import ORDER, SURE, class_of, sure_index
from diag.report.charts.sheet import Chart
from diag.report.charts.svg import Part
from diag.report.html.frame import paired
from diag.report.html.level_charts import level_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from diag.report.html.frame import Frame
    from diag.report.model import Section, Series

_LANE_PX = 58
_COLUMNS = 400


def timeline_charts(sections: Iterable[Section], frame: Frame) -> Iterator[Chart]:
    """Lanes of devices, then levels and samples; both sides of a comparison next to each other."""
    for section, series in paired(sections):
        side = f"{section.subject}: " if section.subject else ""
        if series.kind == "intervals":
            yield _lane(series, side, frame)
        elif series.id == "in_flight" or series.kind == "points":
            chart = level_chart(series, side, frame)
            yield from [chart] if chart else []


def _lane(series: Series, side: str, frame: Frame) -> Chart:
    """The exact share of every class of states in each of equal columns of the window."""
    caption = f"{side}{series.title}"
    shares = lane_shares(series, _COLUMNS, frame.window_ns)
    edges = (*series.values["start_ns"][:1], *series.values["end_ns"][-1:])
    edges_ns = [each for each in edges if isinstance(each, int)]
    recorded = [_COLUMNS * each / frame.window_ns for each in edges_ns]
    drawing = svg.share_lane(shares, recorded, _LANE_PX, caption)
    notes = [series.note] if series.note else []
    if recorded and recorded[1] < _COLUMNS - 1:
        notes.append(f"recorded until {instant(edges_ns[1])} ms")
    note = f" ({'; '.join(notes)})" if notes else ""
    return Chart(f"{caption}{note}", drawing, _LANE_PX, _states(series))


def _states(series: Series) -> tuple[Part, ...]:
    return tuple(Part(str(state), 0, "") for state in dict.fromkeys(series.values["state"]))


def timeline_key(sections: Iterable[Section]) -> tuple[Part, ...]:
    """Every state of a lane, and every stage in which a span spent time."""
    names: dict[str, None] = {}
    for section in sections:
        for series in section.series:
            if series.kind == "intervals":
                names.update({part.name: None for part in _states(series)})
            if series.kind == "spans":
                stages = [each for each in series.columns if each.key.startswith("stage_")]
                names.update({each.title: None for each in stages if any(series.values[each.key])})
    return tuple(Part(name, 0, "") for name in names)


def doubted_levels(sections: Iterable[Section]) -> tuple[str, ...]:
    """The confidences below ``high`` that a lane shows, the higher first."""
    seen = {
        level
        for section in sections
        for series in section.series
        if series.kind == "intervals"
        for level in series.values["confidence"]
    }
    return tuple(level for level in list(SURE)[1:] if level in seen)


def lane_shares(
    series: Series, columns: int, window_ns: float = 0.0
) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Shares of time by class and confidence, shape (columns, len(ORDER), len(SURE)), 0 to 1.

    The time of a block of summed intervals is spread evenly over the block.

    Args:
        series: Intervals.
        columns: Into which the axis is divided.
        window_ns: Length of the axis; by default it ends with the last interval.
    """
    start, end, time = (
        np.array(series.values[key], np.float64) for key in ("start_ns", "end_ns", "time_ns")
    )
    out = np.zeros((columns, len(ORDER) * len(SURE)))
    window = window_ns or (float(end.max()) if len(end) else 0.0)
    if window <= 0:
        return out.reshape(columns, len(ORDER), len(SURE))
    edges = np.linspace(0, window, columns + 1)
    rows = zip(series.values["state"], series.values["confidence"], strict=True)
    classes = np.array([_row(str(state), str(level)) for state, level in rows])
    density = time / np.maximum(end - start, 1)
    for index in np.unique(classes[classes >= 0]).tolist():
        mine = classes == index
        at = np.concatenate([start[mine], end[mine]])
        slope = np.concatenate([density[mine], -density[mine]])
        order = np.argsort(at, kind="stable")
        at, slope = at[order], np.cumsum(slope[order])
        area = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(at))])
        out[:, index] = np.diff(np.interp(edges, at, area)) / np.diff(edges)
    return np.clip(out, 0, 1).reshape(columns, len(ORDER), len(SURE))


def _row(state: str, level: str) -> int:
    """Index of a class and a confidence; -1 for what is drawn as nothing."""
    name = class_of(state)
    return ORDER.index(name) * len(SURE) + sure_index(level) if name in ORDER else -1
