"""render(): a report in a format that is chosen by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.errors import UsageError
from diag.report.formats import FORMATS, RenderOptions, format_named

if TYPE_CHECKING:
    from diag.report.model import Page


def render(
    report: Page,
    format_name: str = "text",
    *,
    color: bool = False,
    width: int = 100,
    verbose: bool = False,
    summary: bool = False,
) -> str:
    """A report as text in one of the formats of ``diag.report.formats``.

    Args:
        report: What ``build_report`` or ``build_comparison`` returned.
        format_name: ``text``, ``markdown``, ``json`` or ``csv``, or another registered format.
        color: Whether text may contain ANSI colors.
        width: Columns of the screen, for text.
        verbose: Whether to add details: rows of zero, evidence and internals.
        summary: Whether to write only the summary, for a ticket.

    Raises:
        UsageError: There is no such format.
    """
    try:
        chosen = format_named(format_name)
    except KeyError:
        raise UsageError(
            f"no report format {format_name!r}", hint=f"the formats: {', '.join(sorted(FORMATS))}"
        ) from None
    options = RenderOptions(color=color, width=width, verbose=verbose, summary=summary)
    return chosen.render(report, options)
