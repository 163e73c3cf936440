"""HTML tables for notebooks, with every text escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def html_table(
    title: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, note: str = ""
) -> str:
    """An HTML table with a caption.

    Args:
        title: Plain text of the caption.
        header: Plain text, one per column; empty for a table without a header.
        rows: Plain text, one per cell.
        note: Plain text below the table; "" for none.
    """
    lines = ["<table>", f"<caption>{escape(title)}</caption>"]
    if header:
        lines.append(f"<thead>{_row('th', header)}</thead>")
    lines += ["<tbody>", *(_row("td", row) for row in rows), "</tbody>", "</table>"]
    if note:
        lines.append(f"<p>{escape(note)}</p>")
    return "\n".join(lines)


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
