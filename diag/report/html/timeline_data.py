"""The series of a report's timeline as JSON, for the page's script (``script/data.js``)."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

from markupsafe import Markup

from diag.model.gaps import IdleCause
from diag.model.printable import NAME_MAX_CHARS, TEXT_MAX_CHARS, printable
from diag.report.charts.palette import (
    BUSY,
    HATCHED,
    HUES,
    ORDER,
    SURE,
    class_of,
    sure_index,
)
from diag.report.html.frame import TIMELINE, paired

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.report.html.frame import Frame
    from diag.report.model import Cell, Page, Section, Series

_STRETCHES = 10  # marked on the axis, so that the longest show at any zoom
# In these states no request is known to wait for the device.
_NO_WAIT = frozenset({BUSY, IdleCause.NO_DEMAND.value, IdleCause.TRACE_EDGE.value})
_LEVELS = ("in_flight", "queued", "peak", "queued_peak")
_SAMPLES = "samples."


def timeline_json(page: Page, frame: Frame) -> Markup | None:
    """Text of a script element of type application/json; None where nothing can be drawn.

    Args:
        page: A report, or a comparison: each side is a section of its own, on the same axes.
        frame: Of the page.
    """
    sections = [each for each in page.sections if each.id == TIMELINE]
    series = list(paired(sections))
    lanes = [(section, each) for section, each in series if each.kind == "intervals"]
    spans = [
        made
        for s in sections
        for id_ in ("requests", "iterations")
        if (made := _spans(s, _with_id(s, id_)))
    ]
    if not (lanes or spans) or frame.window_ns <= 0:
        return None
    states = _distinct(state for _, lane in lanes for state in lane.values["state"])
    classes = [class_of(state) for state in states]
    batches = [made for s in sections if (made := _batches(s))]
    most_rows = max((each["most"] for each in batches), default=0)
    data = {
        "window": frame.window_ns,
        "order": ORDER,
        "hues": list(HUES),
        "hatched": HATCHED,
        "confidences": list(SURE),
        "opacity": list(SURE.values()),
        "states": states,
        "classes": classes,
        "isWait": [state not in _NO_WAIT for state in states],
        "classOf": [ORDER.index(name) if name in ORDER else -1 for name in classes],
        "lanes": [_lane(section, lane, states) for section, lane in lanes],
        "stretches": _stretches([lane for _, lane in lanes]),
        "levels": [made for s in sections if (made := _levels(s, frame))],
        "batches": [{**each, "most": most_rows} for each in batches],
        "spans": spans,
        "samples": [
            _samples(section, each, frame)
            for section, each in series
            if each.id.startswith(_SAMPLES)
        ],
    }
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":  # cannot end the element, whatever a name holds
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  see above


def _titled(section: Section, name: str) -> str:
    """Of a comparison, with the side."""
    return f"{section.subject}: {name}" if section.subject else name


def _with_id(section: Section, id_: str) -> Series | None:
    return next((each for each in section.series if each.id == id_), None)


def _distinct(values: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(str(value) for value in values))


def _numbers(series: Series, key: str) -> list[float]:
    """A column that has a number in every row."""
    return [cast("float", value) for value in series.values[key]]


def _deltas(values: list[float]) -> list[float]:
    return [now - before for before, now in zip([0, *values], values, strict=False)]


def _extent(series: Series) -> dict[str, Any]:
    start, end = _numbers(series, "start_ns"), _numbers(series, "end_ns")
    length = [until - since for since, until in zip(start, end, strict=True)]
    return {"start": _deltas(start), "length": length, "note": series.note}


def _lane(section: Section, series: Series, states: list[str]) -> dict[str, Any]:
    index = {state: number for number, state in enumerate(states)}
    extent = _extent(series)
    times = zip(_numbers(series, "time_ns"), extent["length"], strict=True)
    return {
        **extent,
        "name": printable(_titled(section, series.id.partition(".")[2]), NAME_MAX_CHARS),
        "state": [index[str(state)] for state in series.values["state"]],
        "time": [0 if time == length else time for time, length in times],
        "sure": [sure_index(str(level)) for level in series.values["confidence"]],
    }


def _stretches(lanes: list[Series]) -> list[tuple[float, float]]:
    """The longest idle intervals of all lanes with somebody waiting."""
    found: list[tuple[float, float]] = []
    for lane in lanes:
        columns = (_numbers(lane, key) for key in ("start_ns", "end_ns", "time_ns"))
        for start, end, time, state in zip(*columns, lane.values["state"], strict=True):
            if end - start == time and state not in _NO_WAIT:
                found.append((start, end))
    return sorted(found, key=lambda each: each[0] - each[1])[:_STRETCHES]


def _levels(section: Section, frame: Frame) -> dict[str, Any] | None:
    series = _with_id(section, "in_flight")
    if series is None or not series.values[series.columns[0].key]:
        return None
    levels = {key: _numbers(series, key) for key in _LEVELS if key in series.values}
    return {
        "side": section.subject,
        "most": max(1, frame.most["in_flight"]),
        "time": _deltas(_numbers(series, series.columns[0].key)),
        "note": series.note,
        **levels,
    }


def _batches(section: Section) -> dict[str, Any] | None:
    series = _with_id(section, "batch_spans")
    if series is None or not series.values["start_ns"]:
        return None
    reasons = _distinct(series.values["reason"])
    rows, lanes = _numbers(series, "rows"), _numbers(series, "lane")
    return {
        **_extent(series),
        "side": section.subject,
        "rows": rows,
        "most": max(rows),
        "lane": lanes,
        "lanes": max(lanes) + 1,
        "reason": [reasons.index(str(reason)) for reason in series.values["reason"]],
        "reasons": reasons,
        "classes": [class_of(reason) for reason in reasons],
    }


def _spans(section: Section, series: Series | None) -> dict[str, Any] | None:
    """Requests or iterations, with the columns of stages in which any of them spent time."""
    if series is None or not series.values["start_ns"]:
        return None
    stages = [
        column
        for column in series.columns
        if column.key.startswith("stage_") and any(series.values[column.key])
    ]
    return {
        **_extent(series),
        "side": section.subject,
        "what": series.id,
        "stages": [column.title for column in stages],
        "classes": [class_of(column.title) for column in stages],
        "times": [_numbers(series, column.key) for column in stages],
    }


def _samples(section: Section, series: Series, frame: Frame) -> dict[str, Any]:
    unit = series.columns[1].unit
    values = _numbers(series, "value")
    whole = 1 if unit == "ratio" else 100
    return {
        "source": series.id.removeprefix(_SAMPLES).partition(".")[0],
        "title": printable(_titled(section, series.title), NAME_MAX_CHARS),
        "unit": "%" if unit.startswith("%") else "",
        "most": whole * max(1, math.ceil(frame.most[series.id] / whole)),
        "time": _deltas(_numbers(series, "time_ns")),
        "value": values,
        "note": printable(series.note, TEXT_MAX_CHARS),
    }
