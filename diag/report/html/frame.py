"""What all charts of a page have in common: one axis of time, and one scale for each quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.report.comparison.model import ComparisonReport
from diag.report.model import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from diag.report.model import Page, Section, Series

TIMELINE = "timeline"  # id of the sections with one, a section a side of a comparison


@dataclass(frozen=True, slots=True)
class Frame:
    """Axes.

    Attributes:
        start_ns: Start of the window since the trace began, where the tables of requests count
            from.
        window_ns: Length of the axis of time; 0 without a timeline.
        most: The greatest value of each series of levels or samples, by its id.
    """

    start_ns: int
    window_ns: float
    most: dict[str, float]


def frame_of(page: Page) -> Frame:
    """The axes of a page: of a comparison they hold both sides."""
    sections = [each for each in page.sections if each.id == TIMELINE]
    most: dict[str, float] = {}
    for section in sections:
        for series in section.series:
            if series.id == "in_flight" or series.kind == "points":
                most[series.id] = max(most.get(series.id, 0.0), *_values(series), 0.0)
    if isinstance(page, Report):
        return Frame(page.server.window_start_ns, page.server.window_ns, most)
    ends = [float(end) for end in map(_end_ns, sections)]
    if isinstance(page, ComparisonReport) and sections:
        # Timelines are of the first recording of a side; that of the only one is its window.
        ends += [each.window_ns for each in (page.before, page.after) if len(each.sources) == 1]
    return Frame(0, max(ends, default=0.0), most)


def paired(sections: Iterable[Section]) -> Iterator[tuple[Section, Series]]:
    """All series with their sections; those of one id next to each other."""
    found = [(section, series) for section in sections for series in section.series]
    for id_ in dict.fromkeys(series.id for _, series in found):
        yield from (each for each in found if each[1].id == id_)


def _values(series: Series) -> Iterator[float]:
    for column in series.columns[1:]:
        for value in series.values[column.key] if not column.key.endswith("_ns") else ():
            if isinstance(value, int | float):
                yield float(value)


def _end_ns(section: Section) -> float:
    """The end of the last interval or span: lanes fill the window."""
    ends = (each.values.get("end_ns", ()) for each in section.series)
    return max((float(end) for each in ends for end in each if isinstance(end, int)), default=0.0)
