"""Short ways to make columns, rows and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.report.model import Column, Series, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from diag.report.model import Cell, Note, SeriesKind


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table to be made.

    Attributes:
        cells: One a column; None where the column does not apply to the row.
        level: 0 a total, 1 a group, 2 a member of the group above; -1 in a flat table.
        is_detail: Whether it is shown only on request.
    """

    cells: tuple[Cell | None, ...]
    level: int = -1
    is_detail: bool = False


def make_table(
    id_: str,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    notes: tuple[Note, ...] = (),
    *,
    is_detail: bool = False,
    is_data_only: bool = False,
) -> Table:
    """A Table of rows whose cells stand in the columns' order."""
    made = tuple(rows)
    keys = [column.key for column in columns]
    return Table(
        id=id_,
        title=title,
        columns=tuple(columns),
        rows=tuple(
            {key: cell for key, cell in zip(keys, row.cells, strict=True) if cell is not None}
            for row in made
        ),
        levels=tuple(row.level for row in made) if any(row.level >= 0 for row in made) else (),
        detail_rows=tuple(index for index, row in enumerate(made) if row.is_detail),
        notes=notes,
        is_detail=is_detail,
        is_data_only=is_data_only,
    )


def make_series(
    id_: str,
    title: str,
    kind: SeriesKind,
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
) -> Series:
    """A Series of rows whose cells stand in the columns' order."""
    by_column = zip(*rows, strict=True) if rows else [()] * len(columns)
    return Series(
        id=id_,
        title=title,
        kind=kind,
        columns=tuple(columns),
        values={column.key: tuple(each) for column, each in zip(columns, by_column, strict=True)},
    )


def name_column(key: str, title: str, meaning: str, *, is_detail: bool = False) -> Column:
    """A short text, usually the first column."""
    return Column(key, title, "", meaning, "name", is_detail=is_detail)


def text_column(key: str, title: str, meaning: str, *, is_detail: bool = False) -> Column:
    """Any text."""
    return Column(key, title, "", meaning, "text", is_detail=is_detail)


def flag_column(key: str, title: str, meaning: str, *, is_detail: bool = False) -> Column:
    """Yes or no."""
    return Column(key, title, "", meaning, "flag", is_detail=is_detail)


def number_column(
    key: str, title: str, unit: str, meaning: str, *, is_detail: bool = False
) -> Column:
    """Numbers of one unit."""
    return Column(key, title, unit, meaning, "number", is_detail=is_detail)


def time_column(key: str, title: str, meaning: str, *, is_detail: bool = False) -> Column:
    """Wall-clock ns as decimal strings."""
    return Column(key, title, "unix_ns", meaning, "time", is_detail=is_detail)


VALUE_COLUMNS = (
    name_column("name", "quantity", "What was measured, in words."),
    text_column("key", "key", "Permanent name of the quantity.", is_detail=True),
    Column("value", "value", "", "Its value, in the unit of its row.", "number", unit_key="unit"),
    text_column("unit", "unit", "Unit of the value.", is_detail=True),
)


def value_row(name: str, key: str, value: Cell, unit: str, *, is_detail: bool = False) -> Row:
    """A row of a table with VALUE_COLUMNS."""
    return Row((name, key, value, unit), is_detail=is_detail)
