"""Blocks → a terminal, or plain lines where there is none. Imported when a page is drawn."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.report.formats.blocks import Block, Bullets, Grid, Heading, Paragraph, Row
from diag.report.formats.page import lay_out

if TYPE_CHECKING:
    from diag.report.formats.registry import RenderOptions
    from diag.report.model import Page

LABEL_WIDTH = 12
BULLET_WIDTH = 4
GUTTER = 2
NAME_WHOLE_MAX = 26  # the longest cause of a gap; longer names are wrapped
# Wider than any table; what is printed says its own width.
_CANVAS_WIDTH = 4000


def draw_page(report: Page, options: RenderOptions) -> str:
    """The report for a screen of ``options.width`` columns; ANSI sequences only with ``color``.

    Every character is either diag's own or passed through ``printable``: what a server or a file
    calls things can neither steer the terminal nor be read as rich markup. A table that needs more
    columns than there are gets them: a number is never cut.
    """
    color = options.color
    written = io.StringIO()
    console = Console(
        file=written,
        width=_CANVAS_WIDTH,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    page = lay_out(report, options)
    for before, block in zip((None, *page), page, strict=False):
        if isinstance(block, Grid) and isinstance(before, Grid | Bullets):
            console.print()
        _draw(console, block, options.width)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _draw(console: Console, block: Block, width: int) -> None:
    match block:
        case Heading(text):
            console.print()
            console.print(Text(printable(text, TEXT_MAX_CHARS), style="bold cyan"), width=width)
        case Paragraph(label="") as paragraph:
            if paragraph.is_caption or paragraph.is_lead or paragraph.is_footer:
                console.print()
            console.print(_text(paragraph), width=width)
        case Paragraph(text, label):
            head = Text(f"{label}:", style="bold")
            console.print(_hanging(head, printable(text, TEXT_MAX_CHARS), LABEL_WIDTH), width=width)
        case Bullets(items):
            for item in items:
                bullet = _hanging(Text("  - "), printable(item, TEXT_MAX_CHARS), BULLET_WIDTH)
                console.print(bullet, width=width)
        case Grid():
            table, width_min = _table(block)
            console.print(table, width=max(width, width_min))


def _text(paragraph: Paragraph) -> Text:
    text = Text(style="dim" if paragraph.is_caption or paragraph.is_footer else "")
    for part, style in zip(paragraph.parts(), ("", "bold", ""), strict=True):
        text.append(printable(part, TEXT_MAX_CHARS), style=style)
    return text


def _hanging(head: Text, text: str, indent: int) -> Table:
    """The head, then the text, its further lines flush with the first."""
    grid = Table.grid(padding=0)
    grid.add_column(width=indent, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(head, Text(text))
    return grid


def _table(block: Grid) -> tuple[Table, int]:
    """The table and the least width at which every number is whole."""
    rows = [_cells(row) for row in block.rows]
    table = Table(box=None, padding=(0, GUTTER, 0, 0), header_style="dim", pad_edge=False)
    width_min = GUTTER * (len(block.columns) - 1)
    for index, column in enumerate(block.columns):
        texts = [column.title, *(row[index].plain for row in rows)]
        longest = max(map(len, texts))
        is_whole = column.is_number or (index == 0 and longest <= NAME_WHOLE_MAX)
        word = max(len(word) for text in texts for word in text.split() or [""])
        least = max(NAME_WHOLE_MAX // 2, min(word, NAME_WHOLE_MAX))
        width_min += longest if is_whole else min(longest, least)
        table.add_column(
            Text(column.title),
            justify="right" if column.is_number else "left",
            no_wrap=is_whole,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    return table, width_min


def _cells(row: Row) -> list[Text]:
    style = "bold" if row.is_strong else ""
    texts = [printable(cell, TEXT_MAX_CHARS) for cell in row.cells]
    texts[0] = "  " * row.indent + texts[0]
    return [Text(text, style=style) for text in texts]
