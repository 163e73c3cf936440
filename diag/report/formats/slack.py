"""Blocks → Slack's mrkdwn, for a message.

Slack escapes three characters only (docs.slack.dev, "Formatting text for messages"): ``&``, ``<``
and ``>``, which begin every mention and link. An effect begins and ends at the edge of a word, so
its character gets zero-width spaces there, and so does the colon that begins an emoji. mrkdwn has
no tables; they are text of fixed width.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.report.formats.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row
from diag.report.formats.page import lay_out
from diag.report.formats.registry import RenderOptions, ReportFormat, register

if TYPE_CHECKING:
    from diag.report.model import Page

_APART = "\N{ZERO WIDTH SPACE}"
_EFFECTS = re.compile(
    r"`|(?<![a-zA-Z0-9])[*_~](?=\S)|(?<=\S)[*_~](?![a-zA-Z0-9])|(?<![0-9]):(?=[\w+'-]+:)"
)
# A name in backticks that has nothing in it to end the code.
_CODE = re.compile(r"(?<![\w`])`(\w[\w.+-]*(?:[/:= ]\w[\w.+-]*)*)`(?![\w`])")
_BLANK_LINES = re.compile(r"\n{3,}")
_FENCE = "```"


def render_slack(report: Page, options: RenderOptions) -> str:
    """The report as mrkdwn; names from the server are text in it, whatever they contain."""
    lines: list[str] = []
    for block in lay_out(report, options):
        lines += _lines(block, follows=lines[-1] if lines else "")
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def _escaped(text: str) -> str:
    """The text, inert."""
    return _inert(printable(text, TEXT_MAX_CHARS))


def _inert(text: str) -> str:
    return _entities(_EFFECTS.sub(rf"{_APART}\g<0>{_APART}", text))


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sentence(text: str) -> str:
    """The text, inert, but with plain names in backticks as code."""
    pieces = _CODE.split(printable(text, TEXT_MAX_CHARS))
    return "".join(f"`{p}`" if i % 2 else _inert(p) for i, p in enumerate(pieces))


def _lines(block: Block, *, follows: str) -> list[str]:
    match block:
        case Heading(text):
            return ["", f"*{_escaped(text)}*"]
        case Paragraph(text, label) if label:
            return [f"• *{_escaped(label)}:* {_sentence(text)}".rstrip()]
        case Paragraph(text) as paragraph:
            if paragraph.is_title or paragraph.is_caption:
                return ["", f"*{_escaped(text)}*", ""]
            before, strong, after = paragraph.parts()
            strong = f"*{_sentence(strong)}*" if strong else ""
            body = f"{_sentence(before)}{strong}{_sentence(after)}"
            return [body, ""] if follows == "" else ["", body, ""]
        case Bullets(items):
            mark = "    ◦" if follows.startswith("• *") else "•"
            return [f"{mark} {_sentence(item)}" for item in items]
        case Grid(columns, rows):
            return [_FENCE, *_table(columns, rows), _FENCE]


def _table(columns: tuple[Column, ...], rows: tuple[Row, ...]) -> list[str]:
    """Columns of fixed width; a backtick could end the block, so it becomes an apostrophe."""
    lines = [[printable(column.title, TEXT_MAX_CHARS) for column in columns], *map(_cells, rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return [
        _entities(
            "  ".join(
                cell.rjust(width) if column.is_number else cell.ljust(width)
                for cell, width, column in zip(line, widths, columns, strict=True)
            ).rstrip()
        )
        for line in lines
    ]


def _cells(row: Row) -> list[str]:
    cells = [printable(cell, TEXT_MAX_CHARS).replace("`", "'") for cell in row.cells]
    return ["  " * row.indent + cells[0], *cells[1:]]


register(ReportFormat("slack", (".mrkdwn",), "for Slack, as mrkdwn", render_slack))
