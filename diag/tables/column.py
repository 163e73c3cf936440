"""Columns of a table: values with a name, a unit and a meaning, and how arrays become columns."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from diag.model.events import Bools, Ints


class ColumnKind(enum.Enum):
    """What a column holds. It decides the dtype and how each format writes a value."""

    INTEGER = "integer"
    REAL = "real"
    TIME = "time"  # ns since 1970-01-01T00:00:00Z; beyond 2^53
    ID = "id"  # unsigned 64-bit number; beyond 2^53
    ID_LIST = "id-list"  # a tuple of ids per row
    FLAG = "flag"
    TEXT = "text"

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the column. Text and lists of ids are Python objects."""
        return _DTYPES[self]


_DTYPES: dict[ColumnKind, np.dtype[Any]] = {
    ColumnKind.INTEGER: np.dtype(np.int64),
    ColumnKind.REAL: np.dtype(np.float64),
    ColumnKind.TIME: np.dtype(np.int64),
    ColumnKind.ID: np.dtype(np.uint64),
    ColumnKind.ID_LIST: np.dtype(object),
    ColumnKind.FLAG: np.dtype(np.bool_),
    ColumnKind.TEXT: np.dtype(object),
}


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """Description of a column.

    Attributes:
        name: Lower snake case; a quantity ends in its unit.
        unit: ``ns``, ``bytes``, ...; "" for text, flags, ids and plain counts.
        meaning: What a value says, in one sentence.
        kind: What the column holds.
    """

    name: str
    unit: str
    meaning: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of a table.

    Attributes:
        info: Name, unit, meaning and kind.
        values: Shape (rows,). Values that are not known are arbitrary.
        known: Shape (rows,), False where a value is missing; None if all are known.
    """

    info: ColumnInfo
    values: NDArray[Any] = field(repr=False)
    known: Bools | None = field(default=None, repr=False)

    def cells(self, rows: slice = slice(None)) -> list[Any]:
        """Python values of some rows, None where missing; integers are exact beyond 64 bits."""
        values = self.values[rows]
        if self.known is not None:
            values = values.astype(object)
            values[~self.known[rows]] = None
        cells: list[Any] = values.tolist()
        return cells

    def masked(self) -> np.ma.MaskedArray[Any, np.dtype[Any]]:
        """A masked array of the kind's dtype; a missing value is masked.

        A wall-clock time that does not fit into int64 (after the year 2262) is masked as well.
        """
        dtype = self.info.kind.dtype
        known = np.ones(len(self.values), np.bool_) if self.known is None else self.known.copy()
        if not self.values.dtype.hasobject or dtype.hasobject:
            return np.ma.MaskedArray(self.values.astype(dtype), mask=~known)
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            known[known] = [limits.min <= v <= limits.max for v in self.values[known]]
        data = np.zeros(len(self.values), dtype)
        data[known] = self.values[known].astype(dtype)
        return np.ma.MaskedArray(data, mask=~known)


def integers(
    info: ColumnInfo, values: NDArray[np.integer[Any]], known: Bools | None = None
) -> Column:
    """Integers, missing where not ``known``."""
    return Column(info, values, None if known is None or known.all() else known)


def wall_clock(
    info: ColumnInfo,
    origin_unix_ns: int | Unavailable,
    times_ns: Ints,
    known: Bools | None = None,
) -> Column:
    """Wall-clock times from times since the origin; all missing where the origin is not known.

    The sum is exact: a hostile trace may hold an origin near the end of int64.
    """
    if isinstance(origin_unix_ns, Unavailable):
        return Column(info, times_ns, np.zeros(len(times_ns), np.bool_))
    last = int(times_ns.max(initial=0)) + origin_unix_ns
    first = int(times_ns.min(initial=0)) + origin_unix_ns
    fits = np.iinfo(np.int64).min <= first and last <= np.iinfo(np.int64).max
    base = times_ns.astype(np.int64 if fits else object)
    return Column(info, base + origin_unix_ns, known)


def texts(info: ColumnInfo, choices: Sequence[str], indices: Ints) -> Column:
    """One of ``choices`` per row; missing where the index is negative."""
    known = indices >= 0
    if not len(indices) or not len(choices):
        return Column(info, objects([None] * len(indices)), known)
    return Column(info, objects(choices)[np.maximum(indices, 0)], known)


def from_cells(info: ColumnInfo, cells: Iterable[object]) -> Column:
    """Python values, one per row; missing where None or Unavailable."""
    listed = list(cells)
    known = [not (cell is None or isinstance(cell, Unavailable)) for cell in listed]
    return Column(info, objects(listed), None if all(known) else np.array(known, np.bool_))


def objects(values: Sequence[object]) -> NDArray[np.object_]:
    """A one-dimensional array of Python objects, also of tuples."""
    return np.fromiter(values, dtype=object, count=len(values))
