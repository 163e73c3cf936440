"""CSV as in RFC 4180, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from diag.model.printable import printable
from diag.tables.column import ColumnKind

if TYPE_CHECKING:
    from diag.tables.column import Column
    from diag.tables.content import TableContent

# A spreadsheet runs a cell that begins so as a formula (OWASP, "CSV Injection").
_FORMULA = re.compile(r"^[=+\-@\t\r]")


def encode_csv(table: TableContent) -> bytes:
    r"""CSV in UTF-8 with a header and ``\n`` line ends.

    A missing value is empty, flags are true and false, several ids are joined by ``;``. In text,
    unprintable characters are escaped and a leading formula sign gets an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.names)
    writer.writerows(zip(*(_csv_cells(column) for column in table.columns), strict=True))
    return out.getvalue().encode()


def _csv_cells(column: Column) -> list[Any]:
    """The csv module writes None as an empty cell and integers in full."""
    cells = column.cells()
    if column.info.kind is ColumnKind.FLAG:
        return [None if cell is None else "true" if cell else "false" for cell in cells]
    if column.info.kind is ColumnKind.ID_LIST:
        return [";".join(map(str, cell)) for cell in cells]
    if column.info.kind is ColumnKind.TEXT:
        safe = {text: _csv_text(text) for text in set(cells) if text is not None}
        return [None if cell is None else safe[cell] for cell in cells]
    return cells


def _csv_text(text: str) -> str:
    return printable(f"'{text}" if _FORMULA.match(text) else text)
