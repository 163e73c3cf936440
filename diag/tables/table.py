"""Table: named columns with units and meanings, and their conversion to other libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diag.errors import UsageError
from diag.model.notebook import html_table
from diag.model.printable import NAME_MAX_CHARS, printable
from diag.tables import conversions
from diag.tables.content import TableContent
from diag.tables.formats import format_named

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from diag.tables.column import Column

HTML_ROWS = 10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Table(TableContent):
    """One table of an analysis; two tables are equal only if they are the same object.

    ``len(table)`` is the number of rows and ``table["duration_ns"]`` one column. A missing value
    is masked in NumPy arrays, ``<NA>`` in pandas and null in Polars and Arrow. The attributes are
    those of ``TableContent``.
    """

    def __len__(self) -> int:
        return len(self.columns[0].values)

    def __getitem__(self, name: str) -> np.ma.MaskedArray[Any, np.dtype[Any]]:
        """The masked array of one column.

        Raises:
            UsageError: There is no such column.
        """
        return self.column(name).masked()

    def column(self, name: str) -> Column:
        """One column, with its unit and meaning.

        Raises:
            UsageError: There is no such column.
        """
        for column in self.columns:
            if column.info.name == name:
                return column
        raise UsageError(
            f"table {self.name} has no column {name!r}",
            hint=f"its columns: {', '.join(self.names)}",
        )

    def to_numpy(self) -> np.ma.MaskedArray[Any, np.dtype[Any]]:
        """A structured masked array, shape (rows,), with one field per column.

        Integers are int64 (ids uint64), flags bool, text and lists of ids Python objects.
        """
        dtype = [(column.info.name, column.info.kind.dtype) for column in self.columns]
        data = np.zeros(len(self), dtype)
        mask = np.zeros(len(self), [(name, np.bool_) for name in self.names])
        for column in self.columns:
            values = column.masked()
            data[column.info.name] = values.data
            mask[column.info.name] = np.ma.getmaskarray(values)
        return np.ma.MaskedArray(data, mask=mask)

    def to_pandas(self) -> pd.DataFrame:
        """A pandas DataFrame with nullable dtypes; units and meanings are in ``attrs``.

        Raises:
            UsageError: pandas is not installed.
        """
        return conversions.to_pandas(self.columns)

    def to_polars(self) -> pl.DataFrame:
        """A Polars DataFrame.

        Raises:
            UsageError: Polars is not installed.
        """
        return conversions.to_polars(self.columns)

    def to_arrow(self) -> pa.Table:
        """An Arrow table; units and meanings are metadata of the fields.

        Raises:
            UsageError: pyarrow is not installed.
        """
        return conversions.to_arrow(self.columns)

    def encode(self, format_: str) -> bytes:
        """The content of a file in one of ``TABLE_FORMATS``, such as csv or parquet.

        Raises:
            UsageError: There is no such format, or it needs a package that is not installed.
        """
        return format_named(format_).encode(self)

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {len(self)} rows x {len(self.columns)} columns)"

    def _repr_html_(self) -> str:
        shown = [column.cells(slice(HTML_ROWS)) for column in self.columns]
        rows = [[_shown(cell) for cell in row] for row in zip(*shown, strict=True)]
        more = len(self) - len(rows)
        return html_table(
            f"{self.name}: {len(self):,} rows, each {self.row}",
            self.names,
            rows,
            note=f"{more:,} more rows" if more else "",
        )


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, tuple):
        return ", ".join(map(str, cell[:4])) + (", …" if len(cell) > 4 else "")
    return printable(str(cell), NAME_MAX_CHARS)
