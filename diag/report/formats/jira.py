"""Blocks → Jira's wiki markup, for a comment or a description.

The notation is Atlassian's "Text Formatting Notation Help": a backslash makes the next character
text. Two backslashes are a line break, so a backslash itself is an entity.
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

# Macros, links, mentions, tables, images and emoticons; effects only where a word begins or ends.
_ACTIVE = re.compile(
    r"[{}\[\]|!@]|\((?=[\w!?/*+-]{1,4}\))|:(?=[()PDp]\b|[()])|;(?=\))"
    r"|(?<![a-zA-Z0-9])[*_+^~?-](?=\S)|(?<=\S)[*_+^~?](?![a-zA-Z0-9])|-(?=-)"
)
# Headings, quotations and lists begin a line.
_ACTIVE_FIRST = re.compile(r"^(\s*)(h[1-6]\.|bq\.|[#*-](?=\s|[#*-]))")
# A name in backticks that needs no escape inside {{...}}.
_CODE = re.compile(r"(?<![\w`\\])`(\w[\w.+-]*(?:[/:= ]\w[\w.+-]*)*)`(?![\w`])")
_BLANK_LINES = re.compile(r"\n{3,}")


def render_jira(report: Page, options: RenderOptions) -> str:
    """The report as wiki markup; names from the server are text in it, whatever they contain."""
    lines: list[str] = []
    for block in lay_out(report, options):
        lines += _lines(block, follows=lines[-1] if lines else "")
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def escaped(text: str) -> str:
    """The text, inert: control characters spelt out, characters that act behind a backslash."""
    return _at_line_begin(_inert(printable(text, TEXT_MAX_CHARS)))


def _sentence(text: str) -> str:
    """The text, inert, but with plain names in backticks as code."""
    pieces = _CODE.split(printable(text, TEXT_MAX_CHARS))
    inert = "".join(f"{{{{{p}}}}}" if i % 2 else _inert(p) for i, p in enumerate(pieces))
    return _at_line_begin(inert)


def _inert(text: str) -> str:
    """No macro, link, mention or effect; a bare address (``://``) becomes no link either."""
    text = text.replace("&", "&amp;")
    return "&bsol;".join(
        _ACTIVE.sub(r"\\\g<0>", piece).replace("://", ":&#47;/") for piece in text.split("\\")
    )


def _at_line_begin(text: str) -> str:
    return _ACTIVE_FIRST.sub(r"\1\\\2", text)


def _lines(block: Block, *, follows: str) -> list[str]:
    match block:
        case Heading(text):
            return ["", f"h3. {escaped(text)}"]
        case Paragraph(text, label) if label:
            return [f"* *{escaped(label)}:* {_sentence(text)}".rstrip()]
        case Paragraph(text) as paragraph:
            if paragraph.is_title:
                return [f"h2. {escaped(text)}", ""]
            body = _body(paragraph)
            return [body, ""] if follows == "" else ["", body, ""]
        case Bullets(items):
            mark = "**" if follows.startswith("* *") else "*"
            return [f"{mark} {_sentence(item)}" for item in items]
        case Grid(columns, rows):
            return ["", _head(columns), *map(_row, rows), ""]


def _body(paragraph: Paragraph) -> str:
    if paragraph.is_caption:
        return f"*{escaped(paragraph.text)}*"
    before, strong, after = paragraph.parts()
    strong = f"*{_sentence(strong)}*" if strong else ""
    return f"{_sentence(before)}{strong}{_sentence(after)}"


def _head(columns: tuple[Column, ...]) -> str:
    return f"||{'||'.join(escaped(column.title) or ' ' for column in columns)}||"


def _row(row: Row) -> str:
    """A cell without text needs a space, or it would make the next one a heading."""
    cells = [escaped(cell) for cell in row.cells]
    if row.is_strong:
        cells = [f"*{cell}*" if cell else "" for cell in cells]
    cells[0] = "\N{NO-BREAK SPACE}" * 2 * row.indent + cells[0]
    return f"|{'|'.join(cell or ' ' for cell in cells)}|"


register(ReportFormat("jira", (".jira",), "for Jira, as wiki markup", render_jira))
