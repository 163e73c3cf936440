"""Columns as tables of pandas, Polars and Arrow, each imported only when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diag.extras import import_extra
from diag.model.printable import readable
from diag.tables.column import Column, ColumnKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

_EXTRA = "tables"
_PANDAS_DTYPES = {
    ColumnKind.INTEGER: "Int64",
    ColumnKind.REAL: "Float64",
    ColumnKind.TIME: "Int64",
    ColumnKind.ID: "UInt64",
    ColumnKind.ID_LIST: "object",
    ColumnKind.FLAG: "boolean",
    ColumnKind.TEXT: "string",
}


def to_pandas(columns: Sequence[Column]) -> pd.DataFrame:
    """A DataFrame with nullable dtypes; ``attrs["columns"]`` has unit and meaning by column."""
    pandas = import_extra("pandas", _EXTRA, "to_pandas()")
    frame: pd.DataFrame = pandas.DataFrame(
        {
            column.info.name: pandas.Series(_values(column), dtype=_PANDAS_DTYPES[column.info.kind])
            for column in columns
        }
    )
    frame.attrs["columns"] = {
        column.info.name: {"unit": column.info.unit, "meaning": column.info.meaning}
        for column in columns
    }
    return frame


def to_polars(columns: Sequence[Column]) -> pl.DataFrame:
    """A DataFrame; lists of ids are ``List(UInt64)``."""
    polars = import_extra("polars", _EXTRA, "to_polars()")
    dtypes = {
        ColumnKind.INTEGER: polars.Int64,
        ColumnKind.REAL: polars.Float64,
        ColumnKind.TIME: polars.Int64,
        ColumnKind.ID: polars.UInt64,
        ColumnKind.ID_LIST: polars.List(polars.UInt64),
        ColumnKind.FLAG: polars.Boolean,
        ColumnKind.TEXT: polars.String,
    }
    frame: pl.DataFrame = polars.DataFrame(
        [
            polars.Series(column.info.name, _values(column), dtype=dtypes[column.info.kind])
            for column in columns
        ]
    )
    return frame


def to_arrow(columns: Sequence[Column]) -> pa.Table:
    """An Arrow table; the metadata of each field has its unit and meaning."""
    arrow = import_extra("pyarrow", _EXTRA, "to_arrow()")
    types = {
        ColumnKind.INTEGER: arrow.int64(),
        ColumnKind.REAL: arrow.float64(),
        ColumnKind.TIME: arrow.int64(),
        ColumnKind.ID: arrow.uint64(),
        ColumnKind.ID_LIST: arrow.list_(arrow.uint64()),
        ColumnKind.FLAG: arrow.bool_(),
        ColumnKind.TEXT: arrow.string(),
    }
    fields = [
        arrow.field(
            column.info.name,
            types[column.info.kind],
            metadata={"unit": column.info.unit, "meaning": column.info.meaning},
        )
        for column in columns
    ]
    arrays = [
        arrow.array(_values(column), field.type)
        for column, field in zip(columns, fields, strict=True)
    ]
    out: pa.Table = arrow.Table.from_arrays(arrays, schema=arrow.schema(fields))
    return out


def _values(column: Column) -> list[Any]:
    """Python values of the column's dtype, None where missing; text is valid Unicode."""
    kind = column.info.kind
    if kind is ColumnKind.ID_LIST:
        return [list(cell) for cell in column.cells()]
    if kind is ColumnKind.TEXT:
        return [None if cell is None else readable(cell) for cell in column.cells()]
    values: list[Any] = column.masked().tolist()  # None where masked
    return values
