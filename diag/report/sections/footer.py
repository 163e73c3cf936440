"""Where the words of the report are explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.model import Note, Section
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = (
    "Findings, named in [brackets], are explained in docs/findings/, stages, causes and columns in "
    "docs/attribution.md, limits in docs/caveats.md."
)


@topic(order=9900)
def footer_sections(_: ReportInputs) -> Iterator[Section]:
    """One line, at the end."""
    yield Section(id="footer", title="", notes=(Note(_TEXT, style="footer"),))
