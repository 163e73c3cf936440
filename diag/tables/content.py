"""The content of a table: what each file format and each library is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.tables.column import Column


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TableContent:
    """Named columns of one length.

    Attributes:
        name: ``requests``, ``batches``, ...
        row: What one row is, such as "one request".
        columns: In the order of the file formats; at least one.
    """

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.info.name for column in self.columns)
