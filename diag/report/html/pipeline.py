"""A tf.data pipeline as a chain of boxes, from its sources to the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.report.shown import shown_value

if TYPE_CHECKING:
    from diag.report.model import Table

_FACTS = (
    ("function_ns", "its function"),
    ("used", "in flight"),
    ("parallelism", "parallel"),
    ("wait_share", "of waiting"),
    ("buffer_limit", "buffer"),
)


@dataclass(frozen=True, slots=True)
class StageBox:
    """One dataset.

    Attributes:
        lines: What is known of it, label and value.
        decides: Whether it decides how fast elements come.
    """

    kind: str
    name: str
    lines: tuple[str, ...]
    decides: bool


def pipeline_stages(table: Table) -> tuple[StageBox, ...]:
    """The rows of ``pipeline_stages``, which begin with the last dataset, the other way round."""
    units = {column.key: column.unit for column in table.columns}
    boxes = []
    for row in table.rows:
        lines = tuple(
            f"{label} {shown_value(row[key], units[key])}" for key, label in _FACTS if key in row
        )
        decides = row.get("decides") is True
        boxes.append(StageBox(str(row["stage"]), str(row.get("name", "")), lines, decides))
    return tuple(reversed(boxes))
