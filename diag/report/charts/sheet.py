"""Charts of a page as one SVG file of its own: no style sheet, no theme and no browser needed.

Colours are those of the light theme on white. Of the fonts, the first that the machine has is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.report.charts import palette, svg
from diag.report.charts.curve import CURVE_STYLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from diag.report.charts.svg import Part

WIDTH_PX = 1184
ROW_PX = 26  # height of a bar among others
_MARGIN_PX = 24
_INNER_PX = WIDTH_PX - 2 * _MARGIN_PX
_LINE_PX = 20
_CHAR_PX = 8.0  # of 13 px text, on average at most
_FONTS = "system-ui,Inter,Roboto,'DejaVu Sans','Liberation Sans',Arial,Helvetica,sans-serif"
_HATCH, _EDGE = "rgba(255,255,255,.55)", "#868f9b"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its caption.

    Attributes:
        height: Of the drawing, in pixels.
        key: Names and values of the parts, for narrow screens and for what has no room in the bar.
        value: What the whole bar is, at its end; "" where the caption says it.
        heading: Of the charts from this one on; "" for that of the chart before.
        span: What it is about on the timeline, as of ``span_of``; "" for nothing.
        is_slim: Whether it has no text in it, and may be narrow on paper.
    """

    caption: str
    drawing: Markup
    height: int
    key: tuple[Part, ...] = ()
    value: str = ""
    heading: str = ""
    span: str = ""
    is_slim: bool = False


def sheet(title: str, charts: Sequence[Chart]) -> str:
    """An SVG document with the charts below each other, each with its caption and its key.

    A key that repeats from chart to chart stands below the last of them.
    """
    drawn, y = _line(title, _MARGIN_PX + 14, "title"), _MARGIN_PX + 40.0
    for index, chart in enumerate(charts):
        if chart.heading:
            drawn += _line(chart.heading, y, "heading")
            y += _LINE_PX
        drawn += _line(chart.caption, y, "caption")
        if chart.value:
            drawn += Markup('<text x="{0}" y="{1:g}" class="caption end">{2}</text>').format(
                WIDTH_PX - _MARGIN_PX, y, chart.value
            )
        y += 8
        drawn += Markup('<svg x="{0}" y="{1:g}" width="{2}" height="{3}">{4}</svg>').format(
            _MARGIN_PX, y, _INNER_PX, chart.height, chart.drawing
        )
        y += chart.height + _LINE_PX
        if not chart.value or index == len(charts) - 1 or charts[index + 1].key != chart.key:
            for row in _key_rows(chart.key):
                drawn += _key_line(row, y)
                y += _LINE_PX
        y += 8
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1:g}" viewBox="0 0 {0} '
        '{1:g}"><style>{2}</style>{3}<rect width="100%" height="100%" fill="#ffffff"/>{4}</svg>\n'
    ).format(WIDTH_PX, y + _MARGIN_PX / 2, Markup(_style()), svg.hatch_defs(), drawn)  # noqa: S704


def _style() -> str:
    plates = "".join(
        f".on-{name}.plate{{paint-order:stroke;stroke:{palette.HUES[base].light};stroke-width:4px}}"
        for name, base in palette.HATCHED.items()
    )
    return (
        f"{palette.resolved(palette.class_rules())}{plates}text{{font:12px {_FONTS}}}"
        ".strong,.title,.heading{font-weight:650}.heading{font-size:13px}.title{font-size:15px}.caption{font-size:13px}"
        ".end{text-anchor:end;font-weight:650}.seg{stroke:#ffffff;stroke-width:1.5}"
        f".c-none,.edge,.axis{{stroke:{_EDGE};stroke-width:1}}"
        f".hatch{{stroke:{_HATCH};stroke-width:2.2}}{palette.resolved(CURVE_STYLE)}"
    )


def _line(text: str, y: float, class_: str) -> Markup:
    """One line; longer text keeps its head and tail."""
    return Markup('<text x="{0}" y="{1:g}" class="{2}">{3}</text>').format(
        _MARGIN_PX, y, class_, printable(text, int(_INNER_PX / _CHAR_PX))
    )


def _key_rows(parts: tuple[Part, ...]) -> Iterator[list[tuple[float, Part]]]:
    """Parts with their places, as many in a row as fit."""
    row: list[tuple[float, Part]] = []
    x = 0.0
    for part in parts:
        width = 18 + len(_words(part)) * _CHAR_PX + 14
        if row and x + width > _INNER_PX:
            yield row
            row, x = [], 0.0
        row.append((x, part))
        x += width
    if row:
        yield row


def _key_line(row: list[tuple[float, Part]], y: float) -> Markup:
    return Markup("").join(
        Markup('<svg x="{0:g}" y="{1:g}" width="11" height="11">{2}</svg>').format(
            _MARGIN_PX + x, y - 10, svg.swatch(part.name)
        )
        + Markup('<text x="{0:g}" y="{1:g}" class="caption">{2}</text>').format(
            _MARGIN_PX + x + 18, y, _words(part)
        )
        for x, part in row
    )


def _words(part: Part) -> str:
    return printable(" ".join(filter(None, (part.name, part.text))), TEXT_MAX_CHARS)
