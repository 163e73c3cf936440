"""Blocks → a terminal, or plain lines where there is none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from diag.report.blocks import Block, Bullets, Grid, Heading, Paragraph, Row
from diag.report.display import TEXT_MAX_CHARS, printable
from diag.report.layout import lay_out

if TYPE_CHECKING:
    from diag.report.report import Report

LABEL_WIDTH = 12


def render_text(report: Report, *, color: bool, width: int) -> str:
    """The report for a screen of ``width`` columns; ANSI sequences only with ``color``.

    Every character is either diag's own or passed through ``printable``: what a server or a file
    calls things can neither steer the terminal nor be read as rich markup.
    """
    written = io.StringIO()
    console = Console(
        file=written,
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for block in lay_out(report):
        _draw(console, block)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _draw(console: Console, block: Block) -> None:
    match block:
        case Heading(text):
            console.print()
            console.print(Text(printable(text, TEXT_MAX_CHARS), style="bold cyan"))
        case Paragraph(text, label, is_lead):
            _draw_paragraph(console, text, label, is_lead=is_lead)
        case Bullets(items):
            for item in items:
                _draw_hanging(console, Text("  - "), printable(item, TEXT_MAX_CHARS), 4)
        case Grid():
            console.print(_table(block))


def _draw_paragraph(console: Console, text: str, label: str, *, is_lead: bool) -> None:
    if label:
        _draw_hanging(
            console, Text(f"{label}:", style="bold"), printable(text, TEXT_MAX_CHARS), LABEL_WIDTH
        )
    else:
        console.print(Text(printable(text, TEXT_MAX_CHARS), style="bold" if is_lead else ""))


def _draw_hanging(console: Console, head: Text, text: str, indent: int) -> None:
    """The head, then the text, its further lines flush with the first."""
    grid = Table.grid(padding=0)
    grid.add_column(width=indent, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(head, Text(text))
    console.print(grid)


def _table(block: Grid) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in block.columns:
        table.add_column(
            Text(column.title),
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number,
            overflow="fold",
        )
    for row in block.rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> list[Text]:
    style = "bold" if row.is_strong else ""
    texts = [printable(cell, TEXT_MAX_CHARS) for cell in row.cells]
    texts[0] = "  " * row.indent + texts[0]
    return [Text(text, style=style) for text in texts]
