"""Report: everything that any format shows, as raw values with units; the JSON is this model.

Times are integer or floating nanoseconds, ratios run from 0 to 1, sizes are bytes. Wall-clock
nanoseconds exceed 2^53 and are therefore decimal strings. A value that could not be known is an
``Unavailable`` with its reason; a cell that does not apply to its row is absent from the row.
"""

from typing import Literal

import msgspec

from diag.model.availability import Unavailable
from diag.model.finding import Check, CounterEvidence, Evidence, Gain, Remedy

SCHEMA_VERSION: Literal["2"] = "2"

Cell = bool | int | float | str | Unavailable


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every part of a report is: frozen, and strict when it is read back."""


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


class Series(Part, frozen=True):
    """What a chart draws: columns of equal length.

    Attributes:
        kind: ``intervals`` (``start_ns``, ``end_ns``, a class and the time of it within), ``steps``
            (a value that holds until the next time), ``points`` or ``bars``.
        columns: The first is the x axis.
        values: By column key.
        note: What was left out or summed, in one sentence; "" if nothing was.
    """

    id: str
    title: str
    kind: Literal["intervals", "steps", "points", "bars"]
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


class Server(Part, frozen=True):
    """What was recorded, and when.

    Attributes:
        address: As given to ``diag capture``; unavailable for a bare trace.
        source: Name of the file or run.
        models: Names of the models in the requests.
        start_utc: ISO 8601, to the millisecond.
        start_unix_ns: Start of the window, a decimal string.
        window_ns: Length of the window.
    """

    address: str | Unavailable
    source: str
    models: tuple[str, ...]
    start_utc: str | Unavailable
    start_unix_ns: str | Unavailable
    window_ns: int


class VerdictPart(Part, frozen=True):
    """The verdict in one place.

    Attributes:
        id: Of the first finding, or ``healthy``.
        sentence: ``latency``, ``what``, ``device`` and ``doubt``, joined.
        tail: What slow requests spend their extra time in; "" where that is not known.
        confidence: ``high``, ``medium`` or ``low``.
    """

    id: str
    cause: str
    sentence: str
    latency: str
    what: str
    device: str
    doubt: str
    tail: str
    confidence: str
    confidence_reason: str
    evidence: tuple[Evidence, ...]


class FindingPart(Part, frozen=True):
    """What one rule found; fields as of ``diag.model.finding.Finding``.

    Attributes:
        tier: What the remedy gives back: ``disturbance``, ``request-time``, ``visibility``,
            ``device-time`` or ``capacity``.
        gain: None where it is not computed; ``gain_reason`` then says why.
        docs: Its page, relative to diag's repository.
    """

    id: str
    cause: str
    severity: str
    confidence: str
    confidence_reason: str
    what: str
    evidence: tuple[Evidence, ...]
    counter_evidence: tuple[CounterEvidence, ...]
    remedies: tuple[Remedy, ...]
    gain: Gain | None
    gain_reason: str
    verify: tuple[Check, ...]
    rollback: str
    tier: str
    at_stake_ns: float
    docs: str


class CaveatPart(Part, frozen=True):
    """What limits the numbers.

    Attributes:
        limits: Which results, the most limited first.
        facts: By name; the unit is the last word of the name.
        text: The caveat in words.
        advice: What to do about it, in words; "" for nothing.
        remedy: Code of what lifts it; "" if nothing does.
    """

    code: str
    limits: tuple[str, ...]
    facts: dict[str, int | float | str | bool | tuple[str | float, ...] | Unavailable]
    text: str
    advice: str
    remedy: str

    def __hash__(self) -> int:
        """Facts are a dict; equal caveats have equal codes and texts."""
        return hash((self.code, self.text))


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
        from diag.report.notebook import report_html

        return report_html(self)

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
