"""Report → blocks: what is shown of it, and how values look; text and Markdown draw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.report.formats import blocks
from diag.report.formats.blocks import Block, Bullets, Grid, Heading, Paragraph
from diag.report.shown import shown_cell, shown_title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.report.formats.registry import RenderOptions
    from diag.report.model import Cell, Column, Note, Page, Section, Table

_TOTAL, _GROUP, _MEMBER = 0, 1, 2


def lay_out(report: Page, options: RenderOptions) -> tuple[Block, ...]:
    """The title, then the sections that the options ask for."""
    found: list[Block] = [Paragraph(report.title, is_title=True)]
    for section in report.sections:
        if options.summary and not section.is_summary:
            continue
        if section.is_detail and not options.verbose:
            continue
        found += _section_blocks(section, is_verbose=options.verbose)
    return tuple(found)


def _section_blocks(section: Section, *, is_verbose: bool) -> Iterator[Block]:
    """Nothing for a section that has only series."""
    content = list(_note_blocks(section.notes, is_verbose=is_verbose))
    for table in section.tables:
        if not table.is_data_only and (is_verbose or not table.is_detail):
            content += _table_blocks(table, is_verbose=is_verbose)
    if not content:
        return
    if section.title:
        yield Heading(section.title)
    yield from content


def _note_blocks(notes: tuple[Note, ...], *, is_verbose: bool) -> Iterator[Block]:
    """Consecutive items make a list."""
    items: list[str] = []
    for note in notes:
        if note.is_detail and not is_verbose:
            continue
        if note.style == "item":
            items.append(note.text)
            continue
        if items:
            yield Bullets(tuple(items))
            items = []
        yield Paragraph(
            note.text,
            note.label,
            is_lead=note.style == "lead",
            is_footer=note.style == "footer",
            strong=note.strong,
        )
    if items:
        yield Bullets(tuple(items))


def _table_blocks(table: Table, *, is_verbose: bool) -> Iterator[Block]:
    """Without details, also without the columns in which no shown row has a cell."""
    indices = [i for i in range(len(table.rows)) if is_verbose or i not in table.detail_rows]
    columns = [
        column
        for column in table.columns
        if not column.is_detail and any(column.key in table.rows[i] for i in indices)
    ]
    if not indices or not columns:
        return
    if table.title:
        yield Paragraph(table.title, is_caption=True)
    yield Grid(
        tuple(blocks.Column(shown_title(column), column.kind == "number") for column in columns),
        tuple(_row(table, index, columns) for index in indices),
    )
    yield from _note_blocks(table.notes, is_verbose=is_verbose)


def _row(table: Table, index: int, columns: list[Column]) -> blocks.Row:
    row = table.rows[index]
    level = table.levels[index] if table.levels else -1
    cells = tuple(shown_cell(row.get(column.key), column, _unit(column, row)) for column in columns)
    return blocks.Row(cells, is_strong=level in (_TOTAL, _GROUP), indent=int(level == _MEMBER))


def _unit(column: Column, row: dict[str, Cell]) -> str:
    if not column.unit_key:
        return column.unit
    unit = row.get(column.unit_key, "")
    return unit if isinstance(unit, str) else ""
