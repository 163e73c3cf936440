"""Charts of a page, drawn from the tables and series of its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from diag.model.printable import NAME_MAX_CHARS, printable
from diag.model.quantity import duration, percent
from diag.report.charts import svg
from diag.report.charts.palette import BUSY, is_colored
from diag.report.charts.sheet import ROW_PX, Chart
from diag.report.charts.svg import Part
from diag.report.html.batch_charts import rows_histogram, time_by_rows
from diag.report.html.compared_charts import compared
from diag.report.html.frame import TIMELINE
from diag.report.html.idle_charts import idle_by_length
from diag.report.html.lane_charts import timeline_charts
from diag.report.html.tail_charts import slowest_bars, waterfall
from diag.report.notes import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.html.frame import Frame
    from diag.report.html.layout import Chapter
    from diag.report.model import Report, Section, Series

_TAPE_PX = 46
_TAPES_MAX = 3  # models, and devices
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


def chapter_charts(chapter: Chapter, frame: Frame) -> Iterator[Chart]:
    """All charts under one heading of the page."""
    if chapter.anchor == TIMELINE:
        yield from timeline_charts(chapter.sections, frame)
    else:
        for section in chapter.sections:
            yield from section_charts(section, frame)


def section_charts(section: Section, frame: Frame) -> Iterator[Chart]:
    """What can be drawn of its series; a series of another kind is left to its table."""
    bars = [each for each in section.series if each.id.startswith(_BARS)]
    totals = [ns for each in bars for ns in each.values["total_ns"] if isinstance(ns, float)]
    for series in section.series:
        if series in bars:
            yield from _percentile_bars(series, "", ROW_PX, max(totals, default=0.0))
        elif series.id.startswith("batch_rows."):
            yield from rows_histogram(series)
        elif series.id.startswith(("batch_time.", "device_time.")):
            yield from time_by_rows(series)
        elif series.id.startswith("idle_lengths."):
            yield from idle_by_length(series)
        elif series.id.startswith("tail_stages."):
            yield from waterfall(series)
    if section.id == "slow_requests":
        yield from slowest_bars(section, frame.start_ns)
    for table in section.tables:
        yield from compared(table)


def _percentile_bars(
    series: Series, caption: str, height: int, longest: float = 0.0
) -> Iterator[Chart]:
    """One bar a band, on the axis of the longest; with a caption, each as wide as the page."""
    bands: dict[str, list[tuple[str, float, int, float]]] = {}
    columns = (series.values[key] for key in ("band", "stage", "mean_ns", "requests", "total_ns"))
    for band, *row in zip(*columns, strict=True):
        bands.setdefault(str(band), []).append(cast("tuple[str, float, int, float]", tuple(row)))
    model = printable(series.id.partition(".")[2], NAME_MAX_CHARS)
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
    name = printable(section.subject, NAME_MAX_CHARS)
    caption = f"{name} over the window: busy {percent(float(share))}"
    values = ", ".join(f"{part.name} {part.text}" for part in parts)
    drawing = svg.bar(parts, f"{caption}: {values}", height=_TAPE_PX)
    yield Chart(caption, drawing, _TAPE_PX, tuple(parts))
