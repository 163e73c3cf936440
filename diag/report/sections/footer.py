"""Where the words of the report are explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.model import Note, Section
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = "Stages, causes and columns are explained in docs/attribution.md."


@topic(order=9900)
def footer_sections(_: ReportInputs) -> Iterator[Section]:
    """One line, at the end."""
    yield Section(id="footer", title="", notes=(Note(_TEXT, style="footer"),))
