"""Blocks → GitHub-flavoured Markdown, for a ticket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.report.formats.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row
from diag.report.formats.page import lay_out
from diag.report.formats.registry import RenderOptions, ReportFormat, register

if TYPE_CHECKING:
    from diag.report.model import Page

# What Markdown or inline HTML could take for more than text: anywhere, or where a line begins.
_ACTIVE = re.compile(r"[\\`*\[\]<>|~#&$]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9])")
_ACTIVE_FIRST = re.compile(r"^(\s*\d*)([-+.)])(?=[\s-]|$)")
# A name in backticks that is words apart from single separators: nothing in it can end the code,
# and nothing around it can be part of it.
_CODE = re.compile(r"(?<![\w`\\])`(\w[\w.+-]*(?:[/:= ]\w[\w.+-]*)*)`(?![\w`])")
_BLANK_LINES = re.compile(r"\n{3,}")
# No blank line is needed after a heading, nor between a table and a list.
_NEEDLESS = re.compile(r"^(## .*\n|\| .*\n(?=\n- ))\n", re.MULTILINE)


def render_markdown(report: Page, options: RenderOptions) -> str:
    """The report as Markdown; names from the server are text in it, whatever they contain."""
    lines: list[str] = []
    for block in lay_out(report, options):
        lines += _lines(block, follows=lines[-1] if lines else "")
    text = _BLANK_LINES.sub("\n\n", "\n".join(lines))
    return _NEEDLESS.sub(r"\1", text).strip("\n") + "\n"


def sentence(text: str) -> str:
    """The text, inert, but with plain names in backticks as code."""
    pieces = _CODE.split(printable(text, TEXT_MAX_CHARS))
    return _at_line_begin("".join(f"`{p}`" if i % 2 else _inert(p) for i, p in enumerate(pieces)))


def escaped(text: str) -> str:
    """The text, inert: control characters spelt out, punctuation that acts behind a backslash."""
    return _at_line_begin(_inert(printable(text, TEXT_MAX_CHARS)))


def _at_line_begin(text: str) -> str:
    return _ACTIVE_FIRST.sub(r"\1\\\2", text)


def _inert(text: str) -> str:
    """A backslash does not stop a mention (``@``) or a bare address (``://``); an entity does."""
    return _ACTIVE.sub(r"\\\g<0>", text).replace("@", "&#64;").replace("://", "&#58;//")


def _lines(block: Block, *, follows: str) -> list[str]:
    match block:
        case Heading(text):
            return ["", f"## {escaped(text)}", ""]
        case Paragraph(text, label) if label:
            return [f"- **{escaped(label)}:** {sentence(text)}".rstrip()]
        case Paragraph(text) as paragraph:
            if paragraph.is_title:
                return [f"# {escaped(text)}", ""]
            body = _body(paragraph)
            return [body, ""] if follows == "" else ["", body, ""]
        case Bullets(items):
            nested = "  " if follows.startswith("- **") else ""
            return [f"{nested}- {sentence(item)}" for item in items]
        case Grid(columns, rows):
            return _table(columns, rows)


def _body(paragraph: Paragraph) -> str:
    if paragraph.is_caption:
        return f"**{escaped(paragraph.text)}**"
    before, strong, after = paragraph.parts()
    strong = f"**{sentence(strong)}**" if strong else ""
    return f"{sentence(before)}{strong}{sentence(after)}"


def _table(columns: tuple[Column, ...], rows: tuple[Row, ...]) -> list[str]:
    head = "| " + " | ".join(escaped(column.title) for column in columns) + " |"
    rule = "|" + "|".join(" ---: " if column.is_number else " --- " for column in columns) + "|"
    return ["", head, rule, *(_row(row) for row in rows), ""]


def _row(row: Row) -> str:
    cells = [escaped(cell) for cell in row.cells]
    if row.is_strong:
        cells = [f"**{cell}**" if cell else "" for cell in cells]
    cells[0] = "&nbsp;&nbsp;" * row.indent + cells[0]
    return "| " + " | ".join(cells) + " |"


register(
    ReportFormat("markdown", (".md", ".markdown"), "for a ticket", render_markdown, aliases=("md",))
)
