"""Columns of an exported table, and how arrays become them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.model.events import Bools, Int64s, Ints

Cells = list[Any]


class CellKind(enum.Enum):
    """What a column holds; how it is written depends on it."""

    NUMBER = "number"
    BIG_NUMBER = "big-number"  # beyond 2^53: wall-clock nanoseconds and batch ids
    BIG_NUMBERS = "big-numbers"  # a tuple of these
    FLAG = "flag"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A named column; ``cells`` are int, float, bool, str, tuple of int, or None if unknown."""

    name: str
    kind: CellKind
    cells: Cells


TableColumns = tuple[TableColumn, ...]


def number_column(name: str, values: Ints, known: Bools | None = None) -> TableColumn:
    """Integers; None where not ``known``."""
    if known is None or known.all():
        return TableColumn(name, CellKind.NUMBER, values.tolist())
    cells = values.astype(object)
    cells[~known] = None
    return TableColumn(name, CellKind.NUMBER, cells.tolist())


def unix_column(
    name: str, origin: int | Unavailable, times_ns: Int64s, known: Bools | None = None
) -> TableColumn:
    """Wall clock; Python integers, because an origin from a hostile trace could overflow int64."""
    if isinstance(origin, Unavailable):
        return TableColumn(name, CellKind.BIG_NUMBER, [None] * len(times_ns))
    cells = times_ns.astype(object) + origin
    if known is not None:
        cells[~known] = None
    return TableColumn(name, CellKind.BIG_NUMBER, cells.tolist())


def cell_column(name: str, kind: CellKind, values: Iterable[object]) -> TableColumn:
    """One value a row; None where it is Unavailable."""
    return TableColumn(name, kind, [None if isinstance(v, Unavailable) else v for v in values])


def text_column(name: str, texts: tuple[str, ...], indices: list[int]) -> TableColumn:
    """One of ``texts`` a row."""
    return TableColumn(name, CellKind.TEXT, [texts[index] for index in indices])
