"""From the name of a table to the table."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from diag.errors import UsageError
from diag.tables.names import TABLE_NAMES, TABLES
from diag.tables.table import Table

if TYPE_CHECKING:
    from diag.analysis.result import Analysis
    from diag.tables.column import Column


def table(analysis: Analysis, name: str) -> Table:
    """One table of an analysis.

    Args:
        analysis: What ``analyze`` returned.
        name: One of ``TABLE_NAMES``.

    Raises:
        UsageError: There is no table of this name.
    """
    if name not in TABLES:
        raise UsageError(f"no table {name!r}", hint=f"the tables: {', '.join(TABLE_NAMES)}")
    spec = TABLES[name]
    module = importlib.import_module(f"diag.tables.{spec.module}")
    columns: tuple[Column, ...] = getattr(module, spec.function)(analysis)
    return Table(name, spec.row, columns)
