"""Blocks → GitHub-flavoured Markdown, for a ticket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.model.printable import TEXT_MAX_CHARS, printable
from diag.report.formats.blocks import Block, Bullets, Column, Grid, Heading, Paragraph, Row
from diag.report.formats.page import lay_out
from diag.report.formats.registry import RenderOptions, ReportFormat, register

if TYPE_CHECKING:
    from diag.report.model import Report

# What Markdown or inline HTML could take for more than text: anywhere, or where a line begins.
_ACTIVE = re.compile(r"[\\`*\[\]<>|~#&$]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9])")
_ACTIVE_FIRST = re.compile(r"^(\s*\d*)([-+.)])(?=[\s-]|$)")
_BLANK_LINES = re.compile(r"\n{3,}")
# No blank line is needed after a heading, nor between a table and a list.
_NEEDLESS = re.compile(r"^(## .*\n|\| .*\n(?=\n- ))\n", re.MULTILINE)


def render_markdown(report: Report, options: RenderOptions) -> str:
    """The report as Markdown; names from the server are text in it, whatever they contain."""
    lines: list[str] = []
    for block in lay_out(report, options):
        lines += _lines(block, follows=lines[-1] if lines else "")
    text = _BLANK_LINES.sub("\n\n", "\n".join(lines))
    return _NEEDLESS.sub(r"\1", text).strip("\n") + "\n"


def escaped(text: str) -> str:
    """The text, inert: control characters spelt out, punctuation that acts behind a backslash.

    A backslash does not stop a mention (``@``) or a bare address (``://``); an entity does.
    """
    inert = _ACTIVE.sub(r"\\\g<0>", printable(text, TEXT_MAX_CHARS))
    inert = _ACTIVE_FIRST.sub(r"\1\\\2", inert)
    return inert.replace("@", "&#64;").replace("://", "&#58;//")


def _lines(block: Block, *, follows: str) -> list[str]:
    match block:
        case Heading(text):
            return ["", f"## {escaped(text)}", ""]
        case Paragraph(text, label) if label:
            return [f"- **{escaped(label)}:** {escaped(text)}".rstrip()]
        case Paragraph(text) as paragraph:
            body = escaped(text)
            if paragraph.is_title:
                return [f"# {body}", ""]
            body = f"**{body}**" if paragraph.is_lead or paragraph.is_caption else body
            return [body, ""] if follows == "" else ["", body, ""]
        case Bullets(items):
            nested = "  " if follows.startswith("- **") else ""
            return [f"{nested}- {escaped(item)}" for item in items]
        case Grid(columns, rows):
            return _table(columns, rows)


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
