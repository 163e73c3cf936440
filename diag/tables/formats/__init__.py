"""File formats of tables, in one registry. Importing it loads neither NumPy nor a format.

A new format is one module here and one entry of ``TABLE_FORMATS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.errors import UsageError
from diag.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.tables.content import TableContent


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A file format of tables.

    Attributes:
        name: The name on the command line, such as ``csv``.
        suffixes: File name suffixes that mean it, such as ``.csv``.
        description: What it is, as part of a list.
        encode: The whole content of a file.
        needs: Optional package that ``encode`` imports, or "".
        is_text: Whether the content is UTF-8 text, which a terminal can show.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    encode: Callable[[TableContent], bytes]
    needs: str = ""
    is_text: bool = True

    def check(self) -> None:
        """Check that the format can be written here, before there is a table to write.

        Raises:
            UsageError: The package that it needs is not installed.
        """
        if self.needs:
            import_extra(self.needs, "tables", f"the format {self.name}")


def _csv(table: TableContent) -> bytes:
    from diag.tables.formats.csv_text import encode_csv

    return encode_csv(table)


def _jsonl(table: TableContent) -> bytes:
    from diag.tables.formats.json_text import encode_jsonl

    return encode_jsonl(table)


def _json(table: TableContent) -> bytes:
    from diag.tables.formats.json_text import encode_json

    return encode_json(table)


def _parquet(table: TableContent) -> bytes:
    from diag.tables.formats.parquet import encode_parquet

    return encode_parquet(table)


def _arrow(table: TableContent) -> bytes:
    from diag.tables.formats.arrow import encode_arrow

    return encode_arrow(table)


TABLE_FORMATS: dict[str, TableFormat] = {
    format_.name: format_
    for format_ in (
        TableFormat("csv", (".csv",), "comma-separated values", _csv),
        TableFormat("jsonl", (".jsonl", ".ndjson"), "one JSON object a line", _jsonl),
        TableFormat("json", (".json",), "one JSON document with the columns' meanings", _json),
        TableFormat(
            "arrow",
            (".arrow", ".feather"),
            "Apache Arrow IPC file (needs pyarrow)",
            _arrow,
            "pyarrow",
            False,
        ),
        TableFormat(
            "parquet", (".parquet",), "Apache Parquet (needs pyarrow)", _parquet, "pyarrow", False
        ),
    )
}


def format_named(name: str) -> TableFormat:
    """The format of this name.

    Raises:
        UsageError: There is none.
    """
    if name not in TABLE_FORMATS:
        raise UsageError(
            f"no table format {name!r}", hint=f"the formats: {', '.join(TABLE_FORMATS)}"
        )
    return TABLE_FORMATS[name]
