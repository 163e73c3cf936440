"""The format for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.formats.registry import RenderOptions, ReportFormat, register

if TYPE_CHECKING:
    from diag.report.model import Page


def render_json(report: Page, options: RenderOptions) -> str:
    """One strict JSON document with all of the report, whatever the options."""
    from diag.report.formats._json_document import draw_json

    del options
    return draw_json(report)


register(ReportFormat("json", (".json",), "for a program, all numbers unrounded", render_json))
