"""Columns → CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import re

import msgspec

from diag.model.printable import printable, spelt_out_for_json
from diag.report.columns import CellKind, Cells, TableColumn, TableColumns
from diag.report.values import readable

# A spreadsheet runs a cell that begins so as a formula (OWASP, "CSV Injection").
_FORMULA = re.compile(r"^[=+\-@\t\r]")


def render_csv(columns: TableColumns) -> str:
    r"""RFC 4180 with a header and ``\n`` line ends.

    Unknown is empty, flags are true and false, several ids are joined by ``;``. In text,
    unprintable characters are spelt out and a leading formula sign gets an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*(_csv_cells(column) for column in columns), strict=True))
    return out.getvalue()


def _csv_cells(column: TableColumn) -> Cells:
    """The csv module writes None as an empty cell and integers in full."""
    if column.kind is CellKind.FLAG:
        return ["true" if cell else "false" for cell in column.cells]
    if column.kind is CellKind.BIG_NUMBERS:
        return [";".join(map(str, cell)) for cell in column.cells]
    if column.kind is CellKind.TEXT:
        safe = {text: _csv_text(text) for text in set(column.cells) if text is not None}
        return [None if cell is None else safe[cell] for cell in column.cells]
    return column.cells


def _csv_text(text: str) -> str:
    return printable(f"'{text}" if _FORMULA.match(text) else text)


def render_jsonl(columns: TableColumns) -> str:
    """One JSON object a line; unknown is null; wall-clock times and ids are decimal strings."""
    names = [column.name for column in columns]
    rows = zip(*(_json_cells(column) for column in columns), strict=True)
    encode = msgspec.json.Encoder().encode_lines
    text = encode([dict(zip(names, row, strict=True)) for row in rows]).decode()
    return text if text.isascii() else spelt_out_for_json(text)


def _json_cells(column: TableColumn) -> Cells:
    """JavaScript's and many other readers' numbers are exact only up to 2^53."""
    if column.kind is CellKind.BIG_NUMBER:
        return [None if cell is None else str(cell) for cell in column.cells]
    if column.kind is CellKind.BIG_NUMBERS:
        return [tuple(map(str, cell)) for cell in column.cells]
    if column.kind is CellKind.TEXT:
        return [None if cell is None else readable(cell) for cell in column.cells]
    return column.cells


EXPORT_FORMATS = {"csv": render_csv, "jsonl": render_jsonl}
