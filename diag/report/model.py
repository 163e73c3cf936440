"""Report: everything that any format shows, as raw values with units; the JSON is this model.

Times are integer or floating nanoseconds, ratios run from 0 to 1, sizes are bytes. Wall-clock
nanoseconds exceed 2^53 and are therefore decimal strings. A value that could not be known is an
``Unavailable`` with its reason; a cell that does not apply to its row is absent from the row.
"""

from collections.abc import Iterator
from typing import Literal, Protocol

from diag.model.availability import Unavailable
from diag.model.notebook import html_table
from diag.model.printable import printable
from diag.report.parts import CaveatPart, FindingPart, Part, Server, VerdictPart

SCHEMA_VERSION: Literal["2"] = "2"

Cell = bool | int | float | str | Unavailable


class Fact(Part, frozen=True):
    """A number that a sentence quotes.

    Attributes:
        unit: As of a Column.
    """

    key: str
    value: Cell
    unit: str


class Note(Part, frozen=True):
    """A sentence, or a list item under a label.

    Attributes:
        text: For a person, numbers already in it; the same numbers are in ``facts``.
        label: What the sentence is about, e.g. ``change``; "" for running text.
        style: ``lead`` for the sentence to read first, ``item`` for one of a list, ``footer`` for
            the line that ends the report.
        is_detail: Whether it is shown only on request (``--verbose``).
        strong: Part of ``text`` to emphasize, e.g. its main sentence; "" for none.
    """

    text: str
    label: str = ""
    facts: tuple[Fact, ...] = ()
    style: Literal["plain", "lead", "item", "footer"] = "plain"
    is_detail: bool = False
    strong: str = ""


ColumnKind = Literal["name", "text", "symbol", "number", "flag", "time"]


class Column(Part, frozen=True):
    """One column of a table or series.

    Attributes:
        key: Of its cells in a row.
        title: Heading, without the unit.
        unit: ``ns``, ``ratio``, ``bytes``, ``setting`` (a value as it stands in a file or flag) or
            what is counted; "" for text.
        meaning: One sentence, for tooltips and for readers of the JSON.
        kind: ``name`` and ``symbol`` may be shortened when shown, ``symbol`` like the name of a
            kernel; ``time`` is wall-clock ns as a decimal string.
        unit_key: Column that holds the unit of each cell, where it differs by row; "" otherwise.
        is_detail: Whether it is shown only on request.
    """

    key: str
    title: str
    unit: str
    meaning: str
    kind: ColumnKind
    unit_key: str = ""
    is_detail: bool = False


class Table(Part, frozen=True):
    """Rows of cells.

    Attributes:
        rows: Each a cell by column key.
        levels: One number a row: 0 a total, 1 a group, 2 a member of the group above it. Empty for
            a table without totals.
        detail_rows: Indices of the rows that are shown only on request.
        notes: What to know when reading it; shown below.
        is_detail: Whether the whole table is shown only on request.
        is_data_only: Whether only formats for programs have it, since it is long and its main
            points are elsewhere.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[dict[str, Cell], ...]
    levels: tuple[int, ...] = ()
    detail_rows: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()
    is_detail: bool = False
    is_data_only: bool = False

    def __hash__(self) -> int:
        """Rows are dicts; equal tables have equal ids, columns and numbers of rows."""
        return hash((self.id, self.columns, len(self.rows)))


SeriesKind = Literal["intervals", "spans", "steps", "points", "bars"]


class Series(Part, frozen=True):
    """What a chart draws: columns of equal length.

    Attributes:
        kind: ``intervals`` (``start_ns``, ``end_ns``, a class and the time of it within), ``spans``
            (``start_ns``, ``end_ns`` and what is known of each; they may overlap), ``steps``
            (a value that holds until the next time), ``points`` or ``bars``.
        columns: The first is the x axis.
        values: By column key.
        note: What was left out or summed, in one sentence; "" if nothing was.
    """

    id: str
    title: str
    kind: SeriesKind
    columns: tuple[Column, ...]
    values: dict[str, tuple[Cell, ...]]
    note: str = ""

    def __hash__(self) -> int:
        """Values are a dict; equal series have equal ids and columns."""
        return hash((self.id, self.columns))


class Section(Part, frozen=True):
    """One topic.

    Attributes:
        id: Permanent, lower_snake; sections of several models or devices share it.
        subject: The model or device that it is about; "" for all.
        notes: The answer first; shown above the tables.
        series: For charts; formats without charts leave them out.
        is_summary: Whether it belongs to the summary, which stands by itself in a ticket.
        is_detail: Whether it is shown only on request.
    """

    id: str
    title: str
    subject: str = ""
    notes: tuple[Note, ...] = ()
    tables: tuple[Table, ...] = ()
    series: tuple[Series, ...] = ()
    is_summary: bool = False
    is_detail: bool = False


class Page(Protocol):
    """What every format can write: a report of one capture, or of a comparison."""

    @property
    def title(self) -> str:
        """What it is about, in one line."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """In reading order."""


class Report(Part, frozen=True):
    """One capture, explained.

    Attributes:
        title: The server, its models, when and for how long, in one line.
        findings: Ranked; the first is the verdict's.
        sections: In reading order.
    """

    schema_version: Literal["2"]
    diag_version: str
    title: str
    server: Server
    verdict: VerdictPart
    findings: tuple[FindingPart, ...]
    caveats: tuple[CaveatPart, ...]
    sections: tuple[Section, ...]

    def __repr__(self) -> str:
        """Short: a report is thousands of values."""
        return f"<Report {self.title}: {self.verdict.id}, {len(self.sections)} sections>"

    def _repr_html_(self) -> str:
        """The verdict, and each finding with what to change."""
        return html_table(
            self.title, (), [(label, printable(text)) for label, text in self._rows()]
        )

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "verdict", self.verdict.sentence
        yield "confidence", f"{self.verdict.confidence}: {self.verdict.confidence_reason}"
        for finding in self.findings:
            yield "finding", f"{finding.id} ({finding.severity}): {finding.what}"
            for remedy in finding.remedies[:1]:
                yield "change", remedy.action
        for caveat in self.caveats:
            yield "caveat", caveat.text

    def section(self, id_: str) -> Section:
        """The first section with this id.

        Raises:
            KeyError: There is none.
        """
        for section in self.sections:
            if section.id == id_:
                return section
        raise KeyError(id_)

    def table(self, id_: str) -> Table:
        """The first table with this id, in any section.

        Raises:
            KeyError: There is none.
        """
        for section in self.sections:
            for table in section.tables:
                if table.id == id_:
                    return table
        raise KeyError(id_)
