"""Numbers over the window as fixed charts: requests in flight and queued, sampled utilization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diag.report.charts import svg
from diag.report.charts.sheet import Chart
from diag.report.shown import shown_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from diag.report.html.frame import Frame
    from diag.report.model import Series

_COLUMNS = 400
_HEIGHT_PX = 40
# Classes of colours: of all requests, and of those that wait.
_LEVELS = {"in_flight": "edge", "queued": "fill"}
_PEAKS = {"in_flight": "peak", "queued": "queued_peak"}
_WHOLE = {"%": 100.0, "ratio": 1.0}


def level_chart(series: Series, side: str, frame: Frame) -> Chart | None:
    """Columns as high as the greatest value in each; None for a series without values.

    Args:
        series: ``in_flight``, or samples, each of which holds since the one before.
        side: Begin of the caption.
        frame: The axes.
    """
    times = np.array(series.values[series.columns[0].key], np.float64)
    window_ns, most = frame.window_ns, frame.most[series.id]
    if not len(times) or window_ns <= 0:
        return None
    if series.id != "in_flight":
        values = np.array(series.values["value"], np.float64)
        unit = series.columns[1].unit
        most = max(_WHOLE.get(unit, 0.0), most)
        since = np.append(values[1:], 0.0)  # nothing is known after the last
        heights = column_peaks(times, since, window_ns, _COLUMNS) / max(most, 1e-9)
        return _chart(
            f"{side}{series.title}: at most {shown_value(float(values.max()), unit)}",
            [(heights, "busy")],
        )
    drawn, peak = [], 0.0
    for key, name in _LEVELS.items():
        values = np.array(series.values.get(_PEAKS[key], series.values[key]), np.float64)
        peak = max(peak, float(values.max()))
        drawn.append((column_peaks(times, values, window_ns, _COLUMNS), name))
    areas = [(heights / max(most, 1.0), name) for heights, name in drawn]
    caption = f"{side}{series.title}: at most {shown_value(int(peak), 'count')} at once"
    return _chart(caption, areas)


def column_peaks(
    times: NDArray[np.float64], values: NDArray[np.float64], window_ns: float, columns: int
) -> NDArray[np.float64]:
    """The greatest value of a step function in each of equal columns; 0 before its first time."""
    edges = np.linspace(0, window_ns, columns + 1)
    at = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, columns - 1)
    peaks = np.zeros(columns)
    np.maximum.at(peaks, at, values)
    before = np.searchsorted(times, edges[:-1], side="right") - 1
    held = np.where(before >= 0, values[np.maximum(before, 0)] if len(values) else 0.0, 0.0)
    return np.maximum(peaks, held)


def _chart(caption: str, areas: list[tuple[Any, str]]) -> Chart:
    return Chart(caption, svg.areas(areas, _HEIGHT_PX, caption), _HEIGHT_PX)
