"""The format for a browser: one file, to attach to a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.formats.registry import RenderOptions, ReportFormat, register

if TYPE_CHECKING:
    from diag.report.model import Page


def render_html(report: Page, options: RenderOptions) -> str:
    """One self-contained HTML page with all of the report, with details if ``options.verbose``."""
    from diag.report.html.page import draw_page

    return draw_page(report, verbose=options.verbose)


register(ReportFormat("html", (".html", ".htm"), "one page for a browser", render_html))
