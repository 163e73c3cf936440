"""Charts of slow requests: what makes p99, and the slowest one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from diag.model.quantity import duration, milliseconds
from diag.report.charts import svg
from diag.report.charts.palette import class_of
from diag.report.charts.sheet import ROW_PX, Chart
from diag.report.charts.svg import Part
from diag.report.html.links import span_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Section, Series

_TOTAL_CLASS = "glue"


def waterfall(series: Series) -> Iterator[Chart]:
    """From the mean request around p50 to the one around p99: a step a stage, largest first."""
    columns = (series.values[key] for key in ("stage", "p50_ns", "p99_ns", "extra_ns"))
    rows = [cast("tuple[str, float, float, float]", row) for row in zip(*columns, strict=True)]
    before, after = sum(row[1] for row in rows), sum(row[2] for row in rows)
    levels = [before]
    for *_, extra in rows:
        levels.append(levels[-1] + extra)
    whole = max(*levels, after)
    if not rows or whole <= 0:
        return
    yield _step(
        "around p50", _TOTAL_CLASS, (0.0, before), whole, f"{milliseconds(before)} ms", series.title
    )
    for (stage, *_, extra), start in zip(rows, levels[:-1], strict=True):
        yield _step(
            stage, class_of(stage), (start, start + extra), whole, signed_milliseconds(extra), ""
        )
    yield _step("around p99", _TOTAL_CLASS, (0.0, after), whole, f"{milliseconds(after)} ms", "")


def _step(
    words: str, class_: str, ends: tuple[float, float], whole: float, value: str, heading: str
) -> Chart:
    low, high = min(ends) / whole, max(ends) / whole
    drawing = svg.step(class_, low, high, f"{words}: {value}", height=ROW_PX)
    return Chart(words, drawing, ROW_PX, (), value, heading, is_slim=True)


def signed_milliseconds(value_ns: float) -> str:
    """A difference, in the unit of the ledger: ``+4.92 ms``, ``-0.279 ms``, ``<0.001 ms``."""
    shown = milliseconds(value_ns)
    return f"{'+' if value_ns > 0 and shown[0].isdigit() else ''}{shown} ms"


def slowest_bars(section: Section, start_ns: int) -> Iterator[Chart]:
    """The slowest requests by stage on the axis of the slowest, each with its place in time."""
    tables = {table.id: table for table in section.tables}
    stages = [column for column in tables["slowest_stages"].columns if column.unit == "ns"]
    rows = list(zip(tables["slowest_requests"].rows, tables["slowest_stages"].rows, strict=True))
    most = max((cast("int", row["duration_ns"]) for row, _ in rows), default=0)
    if not most:
        return
    key = tuple(Part(column.title, 0, "") for column in stages)
    heading = f"The {len(rows)} slowest"
    for row, times in rows:
        spent = [(column.title, cast("int", times.get(column.key, 0))) for column in stages]
        parts = tuple(Part(stage, ns / most, duration(ns)) for stage, ns in spent if ns)
        words, took = f"at {row['at']} ms", duration(cast("int", row["duration_ns"]))
        values = ", ".join(f"{part.name} {part.text}" for part in parts)
        drawing = svg.bar(parts, f"{words}: {took}: {values}", height=ROW_PX)
        yield Chart(words, drawing, ROW_PX, key, took, heading, span_of(row, start_ns))
        heading = ""
