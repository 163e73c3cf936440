"""What the capture cost the server's clients, by the load generator's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.report.model import Column, Note, Section
from diag.report.rows import Row, make_table, name_column, text_column
from diag.report.topics import ReportInputs, topic

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = (
    name_column("phase", "phase", "Before, during or after the capture."),
    name_column("measure", "latency", "What the load generator measured."),
    Column("value", "value", "", "Its value.", "number", unit_key="unit"),
    text_column("unit", "unit", "Unit of the value.", is_detail=True),
)


@topic(order=1300)
def observer_sections(inputs: ReportInputs) -> Iterator[Section]:
    """Always there, so that a reader of the JSON sees whether it was measured."""
    figures = inputs.analysis.observer
    if isinstance(figures, Unavailable):
        notes: tuple[Note, ...] = (Note(figures.reason, label="n/a"),)
        rows = []
    else:
        notes = ()
        rows = [Row((f.phase, f.measure, f.value, f.unit)) for f in figures]
    yield Section(
        id="observer",
        title="Latency around the capture, by the load generator's clock",
        notes=notes,
        tables=(make_table("observer", "", COLUMNS, rows),) if rows else (),
        is_detail=True,
    )
