"""What a chart over the window draws, and the same in slices of it as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.model import Section
from diag.report.timeline_series import timeline_series
from diag.report.topics import ReportInputs, topic
from diag.report.window_slices import slice_table

if TYPE_CHECKING:
    from collections.abc import Iterator


@topic(order=1600)
def timeline_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Without notes and tables to read: formats without charts leave it out."""
    table = slice_table(inputs.analysis)
    yield Section(
        id="timeline",
        title="Timeline",
        tables=(table,) if table.rows else (),
        series=tuple(timeline_series(inputs.analysis)),
        is_detail=True,
    )
