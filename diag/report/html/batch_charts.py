"""Charts of batches: how many rows they hold, and what a row costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from diag.model.quantity import duration
from diag.report.charts import svg
from diag.report.charts.curve import HEIGHT_PX, Point, curve
from diag.report.charts.sheet import ROW_PX, Chart
from diag.report.charts.svg import Part
from diag.report.notes import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Series

_SIZES_MAX = 32  # of batches with a bar each
_EMPTY_MAX = 16  # up to this limit, sizes that no batch had get a bar too
_SPOKEN_MAX = 20  # points of a curve that a screen reader says


def rows_histogram(series: Series) -> Iterator[Chart]:
    """A bar for each number of rows, by why the batches were started, and for a full batch.

    Nothing where all batches have one size, and that is the limit or no limit is known.
    """
    sizes: dict[int, list[tuple[str, int]]] = {}
    columns = (series.values[key] for key in ("rows", "reason", "batches"))
    for rows, reason, batches in zip(*columns, strict=True):
        sizes.setdefault(cast("int", rows), []).append((str(reason), cast("int", batches)))
    limit = next((each for each in series.values["limit"] if isinstance(each, int)), 0)
    shown = sorted({*sizes, *range(1, limit + 1)} if limit <= _EMPTY_MAX else {*sizes, limit})
    if not sizes or not 2 <= len(shown) <= _SIZES_MAX:
        return
    most = max(sum(n for _, n in found) for found in sizes.values())
    names = dict.fromkeys(str(reason) for reason in series.values["reason"])
    key = tuple(Part(name, 0, "") for name in names)
    heading = series.title
    for rows in shown:
        found = sizes.get(rows, [])
        parts = tuple(Part(reason, n / most, f"{n:,}") for reason, n in found)
        words = f"{rows} {plural(rows, 'row')}"
        values = ", ".join(f"{part.name} {part.text}" for part in parts) or "none"
        drawing = svg.bar(parts, f"{words}: {values}", height=ROW_PX)
        total = ", ".join(f"{reason} {n:,}" for reason, n in found) or "0"
        yield Chart(words, drawing, ROW_PX, key, total, heading)
        heading = ""


def time_by_rows(series: Series) -> Iterator[Chart]:
    """Mean time of each size and the fitted line; nothing without two sizes."""
    columns = (series.values[key] for key in ("rows", "mean_ns", "runs", "fitted_ns"))
    points = [
        Point(rows, float(mean), runs, float(fitted) if isinstance(fitted, float | int) else None)
        for rows, mean, runs, fitted in zip(*columns, strict=True)
        if isinstance(rows, int) and isinstance(mean, float | int) and isinstance(runs, int)
    ]
    points = [each for each in points if each.x > 0]
    if len(points) < 2:
        return
    line = (
        "dashed: the fitted line" if points[0].fitted_ns is not None else "no line could be fitted"
    )
    caption = f"{series.title}; a larger dot stands for more of them; {line}"
    values = ", ".join(f"{each.x} {duration(each.time_ns)}" for each in points[:_SPOKEN_MAX])
    yield Chart(caption, curve(points, f"{series.title}: {values}"), HEIGHT_PX)
