"""How a raw value of a report looks to a person, by its unit; the same in all formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from diag.model.availability import Unavailable
from diag.model.printable import NAME_MAX_CHARS, kernel_name, printable
from diag.model.quantity import NOT_AVAILABLE, milliseconds, number, percent, quantity, setting_text

if TYPE_CHECKING:
    from diag.report.model import Cell, Column

COLUMN_UNIT_TITLES = {"ns": "ms", "GB/s": "GB/s"}


def shown_value(value: Cell, unit: str) -> str:
    """A single value in the unit that suits its size: ``12.6 ms``, ``65.0%``, ``3 rows``."""
    match value:
        case Unavailable():
            return NOT_AVAILABLE
        case bool():
            return "yes" if value else "no"
        case str():
            return printable(value, NAME_MAX_CHARS)
        case _ if unit == "setting":
            return setting_text(value)
        case _:
            return quantity(value, "" if unit == "count" else unit)


def shown_cell(value: Cell | None, column: Column, unit: str) -> str:
    """A cell: all cells of a column share one unit, so that they can be compared.

    Args:
        value: None where the cell does not apply.
        column: The column.
        unit: The column's, or the row's own where the column's differs by row.
    """
    if value is None:
        return ""
    if column.kind == "symbol" and isinstance(value, str):
        return kernel_name(value)
    if column.unit_key or not _is_number(value):
        return shown_value(value, unit)
    if unit == "ns":
        return milliseconds(value)
    if unit == "ratio":
        return percent(value)
    if unit in ("bytes", "setting"):
        return shown_value(value, unit)
    return number(value)


def shown_title(column: Column) -> str:
    """The heading of a column, with the unit where the cells leave it out."""
    unit = "" if column.unit_key else COLUMN_UNIT_TITLES.get(column.unit, "")
    return f"{column.title} {unit}" if unit else column.title


def _is_number(value: Cell) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
