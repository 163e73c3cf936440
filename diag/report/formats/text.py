"""The format for a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.formats.registry import RenderOptions, ReportFormat, register

if TYPE_CHECKING:
    from diag.report.model import Page


def render_text(report: Page, options: RenderOptions) -> str:
    """The report for a screen of ``options.width`` columns."""
    from diag.report.formats._terminal import draw_page

    return draw_page(report, options)


register(ReportFormat("text", (".txt",), "for a screen", render_text))
