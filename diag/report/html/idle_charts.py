"""Charts of idle time: whether it is in few long stretches or in many short ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from diag.model.quantity import duration, milliseconds
from diag.report.charts import svg
from diag.report.charts.sheet import ROW_PX, Chart
from diag.report.charts.svg import Part
from diag.report.notes import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Series


def idle_by_length(series: Series) -> Iterator[Chart]:
    """A bar for each length of stretches, by cause, on the axis of the length with most time."""
    lengths: dict[tuple[str, int, int], list[tuple[str, int]]] = {}
    columns = (series.values[column.key] for column in series.columns)
    for length, cause, time_ns, stretches, total in zip(*columns, strict=True):
        key = (str(length), cast("int", stretches), cast("int", total))
        lengths.setdefault(key, []).append((str(cause), cast("int", time_ns)))
    most = max((total for _, _, total in lengths), default=0)
    names = tuple(Part(name, 0, "") for name in dict.fromkeys(map(str, series.values["cause"])))
    heading = series.title
    for (length, stretches, total), found in lengths.items():
        value = f"{milliseconds(total)} ms"
        found.sort(key=lambda item: -item[1])
        parts = tuple(Part(cause, ns / most, duration(ns)) for cause, ns in found)
        words = f"{length}: {stretches:,} {plural(stretches, 'stretch', 'stretches')}"
        values = ", ".join(f"{part.name} {part.text}" for part in parts)
        drawing = svg.bar(parts, f"{words}: {value}: {values}", height=ROW_PX)
        yield Chart(words, drawing, ROW_PX, names, value, heading)
        heading = ""
