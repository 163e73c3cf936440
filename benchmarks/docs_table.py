"""Puts a generated table between its markers in a page of the documentation."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def replace_table(page: str, name: str, table: str) -> Path:
    """Replace what stands between ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->`` of a page."""
    path = DOCS / page
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, found, rest = path.read_text().partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"{path} lacks the markers {begin} and {end}")
    path.write_text(f"{head}{begin}\n{table.strip()}\n{end}{tail}")
    return path
