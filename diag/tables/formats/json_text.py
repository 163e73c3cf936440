"""JSON: a document with the columns' descriptions, or one object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from diag.model.printable import readable, spelt_out_for_json
from diag.tables.column import ColumnKind

if TYPE_CHECKING:
    from diag.tables.column import Column
    from diag.tables.content import TableContent


def encode_jsonl(table: TableContent) -> bytes:
    """One JSON object a line; missing is null; wall-clock times and ids are decimal strings."""
    return _safe(msgspec.json.Encoder().encode_lines(_rows(table)))


def encode_json(table: TableContent) -> bytes:
    """One document: ``table``, ``row``, ``columns`` (name, unit, meaning, kind) and ``rows``.

    Each row is an object, written as in JSON lines.
    """
    document = {
        "table": table.name,
        "row": table.row,
        "columns": [column.info for column in table.columns],
        "rows": _rows(table),
    }
    return _safe(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def _safe(text: bytes) -> bytes:
    return text if text.isascii() else spelt_out_for_json(text.decode()).encode()


def _rows(table: TableContent) -> list[dict[str, Any]]:
    rows = zip(*(_json_cells(column) for column in table.columns), strict=True)
    return [dict(zip(table.names, row, strict=True)) for row in rows]


def _json_cells(column: Column) -> list[Any]:
    """Numbers in JavaScript and many other readers are exact only up to 2^53."""
    cells = column.cells()
    if column.info.kind in (ColumnKind.ID, ColumnKind.TIME):
        return [None if cell is None else str(cell) for cell in cells]
    if column.info.kind is ColumnKind.ID_LIST:
        return [tuple(map(str, cell)) for cell in cells]
    if column.info.kind is ColumnKind.TEXT:
        return [None if cell is None else readable(cell) for cell in cells]
    return cells
