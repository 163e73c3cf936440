"""Charts of a comparison: before and after on one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.quantity import duration
from diag.report.charts import svg
from diag.report.charts.sheet import ROW_PX, Chart
from diag.report.charts.svg import Part
from diag.report.shown import shown_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Table


def compared(table: Table) -> Iterator[Chart]:
    """Of a table with both sides; nothing of any other."""
    if not _is_compared(table):
        return
    if table.id == "stages":
        yield from _compared_parts(table)
    elif table.id in ("latency", "idle"):
        yield from _compared_values(table)


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
    names = dict.fromkeys(stage for found in sides.values() for stage, ns in found if ns)
    key = tuple(Part(name, 0, "") for name in names)
    for side, found in sides.items():
        parts = tuple(Part(stage, ns / longest, duration(ns)) for stage, ns in found if ns)
        values = ", ".join(f"{part.name} {part.text}" for part in parts)
        words = f"{side}, mean by stage"
        drawing = svg.bar(parts, f"{words}: {values}", height=ROW_PX)
        yield Chart(words, drawing, ROW_PX, key, duration(sum(ns for _, ns in found)))


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
