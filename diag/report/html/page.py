"""draw_page(): a report, a comparison or a tuning as one HTML document."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup, escape

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.report.charts import palette, svg
from diag.report.charts.curve import CURVE_STYLE
from diag.report.html.cards import cards_of
from diag.report.html.charts import section_charts, tapes
from diag.report.html.frame import frame_of
from diag.report.html.lane_charts import doubted_levels, timeline_charts, timeline_key
from diag.report.html.layout import chapters_of
from diag.report.html.links import span_of
from diag.report.html.pipeline import pipeline_stages
from diag.report.html.terms import MEANINGS, term_of, terms_of
from diag.report.html.timeline_data import timeline_json
from diag.report.model import Page, Report
from diag.report.shown import shown_cell, shown_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.report.model import Cell, Column, Table

_RESOURCES = "diag.report"
SCRIPTS = ("data", "words", "colors", "draw", "view", "tracks", "controls", "page")


def draw_page(page: Page, *, verbose: bool) -> str:
    """The whole document. It needs no network; without scripts its timeline cannot be zoomed.

    Args:
        page: What to show.
        verbose: Whether with columns and stages that are shown only on request.
    """
    report = page if isinstance(page, Report) else None
    frame = frame_of(page)
    timeline = timeline_json(page, frame)
    style, script = _style(), _script()
    library = _resource("html/vendor/uPlot.iife.min.js") if timeline else ""
    template = _environment().get_template("page.html.j2")
    text = template.render(
        page=page,
        verbose=verbose,
        report=report,
        chapters=chapters_of(page),
        cards=cards_of(report) if report else (),
        tapes=tuple(tapes(report)) if report else (),
        timeline=timeline,
        terms=terms_of(page),
        span_of=functools.partial(span_of, start_ns=frame.start_ns),
        frame=frame,
        style=Markup(style),  # noqa: S704  our own files and colours
        library=Markup(library),  # noqa: S704  the published file, see test_vendor.py
        script=Markup(script),  # noqa: S704  our own files
        policy=policy(style, [each for each in (library, script) if each]),
    )
    return text.rstrip() + "\n"


def policy(style: str, scripts: Sequence[str]) -> str:
    """The page's Content-Security-Policy: its own style sheet and scripts, and nothing else."""
    sources = " ".join(_digest(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {sources}; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _environment() -> jinja2.Environment:
    loader = jinja2.FunctionLoader(lambda name: _resource(f"html/templates/{name}"))
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["plain"] = _plain
    environment.globals["swatch"] = svg.swatch
    environment.globals["hatches"] = svg.hatch_defs
    environment.globals["cell"] = _cell
    environment.globals["column_title"] = shown_title
    environment.filters["prose"] = _prose
    environment.globals["columns_of"] = _columns
    environment.globals["rows_of"] = _rows
    environment.globals["charts"] = section_charts
    environment.globals["timeline_charts"] = timeline_charts
    environment.globals["states"] = timeline_key
    environment.globals["doubted_levels"] = doubted_levels
    environment.globals["term_of"] = term_of
    environment.globals["meanings"] = MEANINGS
    environment.globals["pipeline"] = pipeline_stages
    environment.globals["is_colored"] = palette.is_colored
    return environment


def _plain(text: str) -> str:
    """Text without characters that hide or turn others; long text keeps its head and tail."""
    return printable(text, TEXT_MAX_CHARS)


def _prose(text: str) -> Markup:
    """A sentence; names in backticks are code."""
    pieces = _plain(text).split("`")
    if len(pieces) % 2 == 0:  # a backtick without its partner is one of the text
        return escape(_plain(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if index % 2 else piece
        for index, piece in enumerate(pieces)
    )


def _rows(table: Table, *, verbose: bool) -> list[tuple[int, dict[str, Cell]]]:
    """Level and cells of each; of a table with totals, details such as stages of 0 on request."""
    left_out = frozenset() if verbose or not table.levels else frozenset(table.detail_rows)
    levels = table.levels or (-1,) * len(table.rows)
    return [
        (level, row)
        for index, (level, row) in enumerate(zip(levels, table.rows, strict=True))
        if index not in left_out
    ]


def _columns(table: Table, *, verbose: bool) -> list[Column]:
    """Those with a cell in any row; details on request."""
    return [
        column
        for column in table.columns
        if (verbose or not column.is_detail) and any(column.key in row for row in table.rows)
    ]


def _cell(row: dict[str, Cell], column: Column) -> str:
    unit = row.get(column.unit_key, "") if column.unit_key else column.unit
    return shown_cell(row.get(column.key), column, unit if isinstance(unit, str) else "")


def _style() -> str:
    """The style sheet, with the colours of both themes; print is light."""
    light, dark = (_theme(is_dark=is_dark) for is_dark in (False, True))
    return (
        f":root{{{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}"
        f"{palette.class_rules()}\n{_resource('html/vendor/uPlot.min.css')}\n"
        f"{_resource('html/style.css')}{CURVE_STYLE}"
    )


def _theme(*, is_dark: bool) -> str:
    scheme = "dark" if is_dark else "light"
    surface = ";".join(f"--{name}:{value}" for name, value in palette.SURFACE[scheme].items())
    return f"color-scheme:{scheme};{surface};{palette.variables(dark=is_dark)}"


def _script() -> str:
    """The script's parts in one scope of their own, in the order of what they need."""
    parts = "".join(_resource(f"html/script/{name}.js") for name in SCRIPTS)
    return f"(()=>{{'use strict';\n{parts}}})();"


def _resource(name: str) -> str:
    return resources.files(_RESOURCES).joinpath(name).read_text("utf-8")
