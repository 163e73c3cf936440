"""From the name of a table to the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.errors import UsageError
from diag.tables.batches import batch_columns
from diag.tables.devices import cost_columns, device_columns, kernel_columns
from diag.tables.gaps import gap_columns
from diag.tables.names import ROW_OF, TABLE_NAMES
from diag.tables.requests import request_columns
from diag.tables.samples import sample_columns
from diag.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.analysis.result import Analysis
    from diag.tables.column import Column

COLUMNS_OF: dict[str, Callable[[Analysis], tuple[Column, ...]]] = {
    "requests": request_columns,
    "batches": batch_columns,
    "gaps": gap_columns,
    "devices": device_columns,
    "kernels": kernel_columns,
    "costs": cost_columns,
    "samples": sample_columns,
}


def table(analysis: Analysis, name: str) -> Table:
    """One table of an analysis.

    Args:
        analysis: What ``analyze`` returned.
        name: One of ``TABLE_NAMES``.

    Raises:
        UsageError: There is no table of this name.
    """
    if name not in COLUMNS_OF:
        raise UsageError(f"no table {name!r}", hint=f"the tables: {', '.join(TABLE_NAMES)}")
    return Table(name, ROW_OF[name], COLUMNS_OF[name](analysis))
