"""The main charts of a report as files: SVG, and PNG where it can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.charts.png import png_of
from diag.report.charts.sheet import sheet
from diag.report.html.charts import chapter_charts, tapes
from diag.report.html.frame import frame_of
from diag.report.html.layout import chapters_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.charts.sheet import Chart
    from diag.report.model import Report


def draw_charts(report: Report, *, png: bool = False) -> dict[str, bytes]:
    """The charts of the HTML page by file name, one file a chapter.

    ``verdict`` has an average request and the device's window, ``requests`` the stages by
    percentile and rows of the batch, ``timeline`` the states of the device, ``batches`` their rows.
    A chart without data is left out.

    Args:
        report: What ``build_report`` returned.
        png: PNG files in place of SVG; needs resvg-py, of the extra ``charts``.

    Raises:
        UsageError: resvg-py is not installed.
        InputError: The machine has no font for a PNG.
    """
    drawn = {name: sheet(title, charts) for name, title, charts in _sheets(report) if charts}
    if png:
        return png_of({f"{name}.png": text for name, text in drawn.items()})
    return {f"{name}.svg": text.encode() for name, text in drawn.items()}


def _sheets(report: Report) -> Iterator[tuple[str, str, tuple[Chart, ...]]]:
    """File name, title and charts of each."""
    yield "verdict", report.title, tuple(tapes(report))
    for chapter in chapters_of(report):
        charts = tuple(chapter_charts(chapter, frame_of(report)))
        yield chapter.anchor, f"{chapter.title} · {report.title}", charts
