"""Charts of a page, drawn from the tables and series of its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from diag.model.quantity import duration, percent
from diag.report.charts import svg
from diag.report.charts.palette import BUSY, ORDER, class_of, is_colored
from diag.report.charts.sheet import Chart
from diag.report.charts.svg import Part
from diag.report.html.level_charts import level_chart
from diag.report.notes import plural
from diag.report.shown import shown_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Report, Section, Series, Table

_TAPE_PX = 46
_LANE_PX = 58
_ROW_PX = 26
_LANE_COLUMNS = 400
_TAPES_MAX = 3  # models, and devices
_SIZES_MAX = 32  # of batches with a bar each
_BARS = ("stages_by_percentile.", "stages_by_rows.")


def tapes(report: Report) -> Iterator[Chart]:
    """An average request of each model, then the window of each device."""
    ledgers = [section for section in report.sections if section.id == "ledger"]
    for section in ledgers[:_TAPES_MAX]:
        for series in section.series[:1]:
            yield from list(_percentile_bars(series, "An average request of", _TAPE_PX))[:1]
    for section in report.sections:
        if section.id == "loop":
            yield from _iteration_tape(section)
    for section in [s for s in report.sections if s.id == "idle"][:_TAPES_MAX]:
        yield from _window_tape(section)


def _iteration_tape(section: Section) -> Iterator[Chart]:
    """The mean iteration of a Python loop by stage; subtotals are left out."""
    rows = section.tables[0].rows
    names = [str(row["stage"]) for row in rows]
    parts = tuple(
        Part(name, float(share), duration(mean))
        for name, row in zip(names, rows, strict=True)
        if is_colored(name)
        and isinstance(share := row.get("share"), int | float)
        and isinstance(mean := row.get("mean_ns"), int | float)
    )
    total = rows[0].get("mean_ns")
    if not parts or not isinstance(total, int | float):
        return
    caption = f"An average iteration: {duration(total)}"
    values = ", ".join(f"{part.name} {part.text}" for part in parts)
    drawing = svg.bar(parts, f"{caption}: {values}", height=_TAPE_PX)
    yield Chart(caption, drawing, _TAPE_PX, parts)


def section_charts(section: Section) -> Iterator[Chart]:
    """What can be drawn of its series; a series of another kind is left to its table."""
    bars = [each for each in section.series if each.id.startswith(_BARS)]
    totals = [ns for each in bars for ns in each.values["total_ns"] if isinstance(ns, float)]
    for series in section.series:
        if series in bars:
            yield from _percentile_bars(series, "", _ROW_PX, max(totals, default=0.0))
        elif series.id.startswith("batch_rows."):
            yield from _histogram(series)
        elif series.kind == "intervals" and "state" in series.values:
            yield _lane(series)
        elif series.id == "in_flight" or series.kind == "points":
            chart = level_chart(series, _window_ns(section))
            yield from [chart] if chart else []
    for table in section.tables:
        if table.id == "stages" and _is_compared(table):
            yield from _compared_parts(table)
        elif table.id in ("latency", "idle") and _is_compared(table):
            yield from _compared_values(table)


def _window_ns(section: Section) -> float:
    """The end of the last interval or request of a timeline: lanes fill the window."""
    ends = (each.values.get("end_ns", ()) for each in section.series)
    return max((float(end) for each in ends for end in each if isinstance(end, int)), default=0.0)


def _is_compared(table: Table) -> bool:
    return {"before", "after", "metric"} <= {column.key for column in table.columns}


def _compared_parts(table: Table) -> Iterator[Chart]:
    """The mean request before and after, by stage, on one axis."""
    sides = {
        side: [
            (str(row["metric"]).split(".")[1], float(value))
            for row in table.rows
            if isinstance(value := row.get(side), int | float) and row["unit"] == "ns"
        ]
        for side in ("before", "after")
    }
    longest = max((sum(ns for _, ns in parts) for parts in sides.values()), default=0.0)
    if not longest:
        return
    for side, found in sides.items():
        parts = tuple(Part(stage, ns / longest, duration(ns)) for stage, ns in found if ns)
        values = ", ".join(f"{part.name} {part.text}" for part in parts)
        words = f"{side}, mean by stage"
        drawing = svg.bar(parts, f"{words}: {values}", height=_ROW_PX)
        yield Chart(words, drawing, _ROW_PX, parts, duration(sum(ns for _, ns in found)))


def _compared_values(table: Table) -> Iterator[Chart]:
    """Two bars a metric, before and after, on the axis of all metrics of the same unit."""
    most: dict[str, float] = {}
    rows = [row for row in table.rows if row.get("unit") in ("ns", "ratio")]
    for row in rows:
        for side in ("before", "after"):
            if isinstance(value := row.get(side), int | float):
                most[str(row["unit"])] = max(most.get(str(row["unit"]), 0.0), float(value))
    for row in rows:
        before, after, unit = row.get("before"), row.get("after"), str(row["unit"])
        if not isinstance(before, int | float) or not isinstance(after, int | float):
            continue
        if not most[unit] or not (before or after):
            continue
        texts = (shown_value(before, unit), shown_value(after, unit))
        drawing = svg.pair((before / most[unit], after / most[unit]), texts, str(row["name"]))
        yield Chart(str(row["name"]), drawing, svg.PAIR_PX, (), f"{texts[0]} → {texts[1]}")


def _percentile_bars(
    series: Series, caption: str, height: int, longest: float = 0.0
) -> Iterator[Chart]:
    """One bar a band, on the axis of the longest; with a caption, each as wide as the page."""
    bands: dict[str, list[tuple[str, float, int, float]]] = {}
    columns = (series.values[key] for key in ("band", "stage", "mean_ns", "requests", "total_ns"))
    for band, *row in zip(*columns, strict=True):
        bands.setdefault(str(band), []).append(cast("tuple[str, float, int, float]", tuple(row)))
    model = series.id.partition(".")[2]
    names = dict.fromkeys(str(stage) for stage in series.values["stage"])
    heading = "" if caption else series.title
    for band, rows in bands.items():
        _, _, requests, total = rows[0]
        whole = total if caption else longest
        parts = tuple(Part(stage, ns / whole, duration(ns)) for stage, ns, _, _ in rows if ns)
        values = ", ".join(f"{part.name} {part.text}" for part in parts)
        words = f"{band}: {_requests(requests)}"
        if caption:
            words = f"{caption} {model}: {duration(total)}"
        yield Chart(
            caption=words,
            drawing=svg.bar(parts, f"{words}: {values}", height=height),
            height=height,
            key=parts if caption else tuple(Part(name, 0, "") for name in names),
            value="" if caption else duration(total),
            heading=heading,
        )
        heading = ""


def _histogram(series: Series) -> Iterator[Chart]:
    """A bar for each number of rows, by why the batches were started; nothing for one size."""
    sizes: dict[int, list[tuple[str, int]]] = {}
    columns = (series.values[key] for key in ("rows", "reason", "batches"))
    for rows, reason, batches in zip(*columns, strict=True):
        sizes.setdefault(cast("int", rows), []).append((str(reason), cast("int", batches)))
    if not 2 <= len(sizes) <= _SIZES_MAX:
        return
    most = max(sum(n for _, n in found) for found in sizes.values())
    names = dict.fromkeys(str(reason) for reason in series.values["reason"])
    heading = series.title
    for rows, found in sizes.items():
        parts = tuple(Part(reason, n / most, f"{n:,}") for reason, n in found)
        words = f"{rows} {plural(rows, 'row')}"
        values = ", ".join(f"{part.name} {part.text}" for part in parts)
        key = tuple(Part(name, 0, "") for name in names)
        total = ", ".join(f"{reason} {n:,}" for reason, n in found)
        drawing = svg.bar(parts, f"{words}: {values}", height=_ROW_PX)
        yield Chart(words, drawing, _ROW_PX, key, total, heading)
        heading = ""


def _requests(n: int) -> str:
    return f"{n:,} {plural(n, 'request')}"


def _window_tape(section: Section) -> Iterator[Chart]:
    """Busy time, then idle time by cause, or as a whole without causes; parts of the window."""
    facts = {fact.key: fact.value for each in section.notes for fact in each.facts}
    share, idle = facts.get("busy"), facts.get("idle")
    if not isinstance(share, float | int):
        return
    parts = [Part(BUSY, float(share), percent(float(share)))]
    rows = [row for table in section.tables if table.id == "idle" for row in table.rows]
    for row in rows:
        of_window = row.get("of_window")
        if isinstance(of_window, float | int) and of_window > 0:
            parts.append(Part(str(row["cause"]), float(of_window), percent(float(of_window))))
    if not rows and isinstance(idle, float | int):
        parts.append(Part("idle", float(idle), percent(float(idle))))
    caption = f"{section.subject} over the window: busy {percent(float(share))}"
    values = ", ".join(f"{part.name} {part.text}" for part in parts)
    drawing = svg.bar(parts, f"{caption}: {values}", height=_TAPE_PX)
    yield Chart(caption, drawing, _TAPE_PX, tuple(parts))


def _lane(series: Series) -> Chart:
    """The exact share of every class of states in each of equal columns of the window."""
    drawing = svg.share_lane(lane_shares(series, _LANE_COLUMNS), _LANE_PX, series.title)
    note = f" ({series.note})" if series.note else ""
    states = dict.fromkeys(str(state) for state in series.values["state"])
    key = tuple(Part(state, 0, "") for state in states)
    return Chart(f"{series.title}{note}", drawing, _LANE_PX, key)


def timeline_key(section: Section) -> tuple[Part, ...]:
    """Every state of a lane, and every stage in which a span spent time."""
    names = {part.name: None for chart in section_charts(section) for part in chart.key}
    for series in section.series:
        if series.kind == "spans":
            stages = [each for each in series.columns if each.key.startswith("stage_")]
            names.update({each.title: None for each in stages if any(series.values[each.key])})
    return tuple(Part(name, 0, "") for name in names)


def lane_shares(series: Series, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Shares of time by class, shape (columns, len(ORDER)), 0 to 1.

    The time of a block of summed intervals is spread evenly over the block.
    """
    start, end, time = (
        np.array(series.values[key], np.float64) for key in ("start_ns", "end_ns", "time_ns")
    )
    out = np.zeros((columns, len(ORDER)))
    window = float(end.max()) if len(end) else 0.0
    if window <= 0:
        return out
    edges = np.linspace(0, window, columns + 1)
    classes = np.array([_ROW.get(class_of(str(state)), -1) for state in series.values["state"]])
    density = time / np.maximum(end - start, 1)
    for index in range(len(ORDER)):
        mine = classes == index
        at = np.concatenate([start[mine], end[mine]])
        slope = np.concatenate([density[mine], -density[mine]])
        order = np.argsort(at, kind="stable")
        at, slope = at[order], np.cumsum(slope[order])
        if len(at):
            area = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(at))])
            out[:, index] = np.diff(np.interp(edges, at, area)) / np.diff(edges)
    return np.clip(out, 0, 1)


_ROW = {name: index for index, name in enumerate(ORDER)}
