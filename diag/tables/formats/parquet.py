"""Apache Parquet, by pyarrow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from diag.extras import import_extra
from diag.tables.conversions import to_arrow

if TYPE_CHECKING:
    from diag.tables.content import TableContent


def encode_parquet(table: TableContent) -> bytes:
    """A Parquet file; units and meanings are metadata of the fields.

    Raises:
        UsageError: pyarrow is not installed.
    """
    parquet = import_extra("pyarrow.parquet", "tables", "the format parquet")
    out = io.BytesIO()
    parquet.write_table(to_arrow(table.columns), out)
    return out.getvalue()
