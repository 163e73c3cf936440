"""Arrow IPC file (Feather version 2), by pyarrow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from diag.extras import import_extra
from diag.tables.conversions import to_arrow

if TYPE_CHECKING:
    from diag.tables.content import TableContent


def encode_arrow(table: TableContent) -> bytes:
    """An Arrow IPC file; units and meanings are metadata of the fields.

    Raises:
        UsageError: pyarrow is not installed.
    """
    ipc = import_extra("pyarrow.ipc", "tables", "the format arrow")
    content = to_arrow(table.columns)
    out = io.BytesIO()
    with ipc.new_file(out, content.schema) as writer:
        writer.write_table(content)
    return out.getvalue()
