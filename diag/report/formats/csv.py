"""All tables of a report in one, a line a cell: for spreadsheets and quick scripts."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from diag.model.availability import Unavailable
from diag.model.printable import printable
from diag.report.formats.registry import RenderOptions, ReportFormat, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.model import Cell, Page, Section

HEADER = ("section", "subject", "table", "row", "name", "column", "value", "unit", "reason")
# A spreadsheet runs a cell that begins so as a formula (OWASP, "CSV Injection").
_FORMULA = re.compile(r"^[=+\-@\t\r]")


def render_csv(report: Page, options: RenderOptions) -> str:
    r"""RFC 4180 with a header and ``\n`` line ends; every cell, whatever the options.

    ``row`` counts from 1, ``name`` is the row's first cell. Numbers are raw, in ``unit``; what is
    not known has no ``value`` but a ``reason``. In text, unprintable characters are spelt out and a
    leading formula sign gets an apostrophe before it.
    """
    del options
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for section in report.sections:
        writer.writerows(_lines(section))
    return out.getvalue()


def _lines(section: Section) -> Iterator[tuple[str | int | float, ...]]:
    for table in section.tables:
        first = table.columns[0].key
        for number, row in enumerate(table.rows, 1):
            name = _value(row.get(first, ""))
            for column in table.columns:
                if column.key not in row:
                    continue
                cell = row[column.key]
                unit = row.get(column.unit_key, "") if column.unit_key else column.unit
                yield (
                    section.id,
                    _text(section.subject),
                    table.id,
                    number,
                    name,
                    column.key,
                    _value(cell),
                    _value(unit),
                    _text(cell.reason) if isinstance(cell, Unavailable) else "",
                )


def _value(cell: Cell) -> str | int | float:
    match cell:
        case Unavailable():
            return ""
        case bool():
            return "true" if cell else "false"
        case str():
            return _text(cell)
        case _:
            return cell


def _text(text: str) -> str:
    return printable(f"'{text}" if _FORMULA.match(text) else text)


register(ReportFormat("csv", (".csv",), "all tables as one, a line a cell", render_csv))
