"""Names of the timeline formats; importing them loads no NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TimelineFormat:
    """A file format of trace viewers.

    Attributes:
        name: As in ``--to``.
        suffix: Of its files.
        opened_with: What opens such a file.
        is_text: Whether a terminal can show it.
    """

    name: str
    suffix: str
    opened_with: str
    is_text: bool


TIMELINE_FORMATS: Final = {
    each.name: each
    for each in (
        TimelineFormat("perfetto", ".pftrace", "https://ui.perfetto.dev", is_text=False),
        TimelineFormat("chrome", ".json", "chrome://tracing or https://ui.perfetto.dev", True),
    )
}
