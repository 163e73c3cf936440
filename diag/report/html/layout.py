"""Which sections of a report stand under which heading of the page, and in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.report.model import Page, Section


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading of the page.

    Attributes:
        anchor: Its permanent fragment, ``#idle``.
        title: As it is shown.
        short: Of the link at the top of the page.
        sections: What stands under it, in the report's order.
    """

    anchor: str
    title: str
    short: str
    sections: tuple[Section, ...]


# Anchor, title, link, ids of sections. A section that is in none stands under "More results".
_CHAPTERS = (
    (
        "compared",
        "Before and after",
        "Compared",
        ("outcome", "latency", "stages", "findings", "checks", "circumstances"),
    ),
    ("limits", "Limits of this analysis", "Limits", ("doubts",)),
    ("do", "What to do", "To do", ("change", "alternatives", "other_findings", "not_advised")),
    (
        "requests",
        "Where the time goes",
        "Time",
        ("requests", "ledger", "clients", "loop", "functions", "pipelines", "pipeline_stages"),
    ),
    ("idle", "Why the device was idle", "Idle", ("idle_overview", "idle", "longest_gaps")),
    ("timeline", "Timeline", "Timeline", ("timeline",)),
    ("tail", "Slow requests", "Slow", ("slow_requests",)),
    ("batches", "Batches", "Batches", ("batches",)),
    ("devices", "Devices", "Devices", ("devices", "device_cost", "kernels")),
    ("more", "More results", "More", ()),
    (
        "env",
        "Environment and measurements",
        "Environment",
        ("measurements", "host_ops", "pool_waits", "observer", "capture"),
    ),
    ("how", "How the numbers were obtained", "Method", ("evidence", "footer")),
)
_VERDICT = "verdict"


def chapters_of(page: Page) -> tuple[Chapter, ...]:
    """All sections of the page but the verdict's, each in one chapter; no chapter is empty."""
    known = {id_: anchor for anchor, _, _, ids in _CHAPTERS for id_ in ids}
    found: dict[str, list[Section]] = {}
    for section in page.sections:
        if section.id != _VERDICT and _has_content(section):
            found.setdefault(known.get(section.id, "more"), []).append(section)
    return tuple(
        Chapter(anchor, title, short, tuple(found[anchor]))
        for anchor, title, short, _ in _CHAPTERS
        if anchor in found
    )


def _has_content(section: Section) -> bool:
    tables = any(table.rows and not table.is_data_only for table in section.tables)
    return bool(section.notes or section.series or tables)
