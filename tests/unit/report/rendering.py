"""Reports in each format, and what tests look for in them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from diag.model.quantity import duration, milliseconds, number, percent, quantity
from diag.report.formats import FORMATS, RenderOptions

if TYPE_CHECKING:
    from diag.report.model import Report

CONTROL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
HOSTILE_NAMES = {
    "script": "</script><script>alert(1)</script>",
    "table": "a|b`c`<b>&amp;",
    "ansi": "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "markup": "[red]x[/red] [link=http://e.vil]y[/link] :smile:",
    "lines": "a\nb\r\nc\u2028d\x0b",
    "bidi": "abc\u202edcb\u200b\u2066",
    "surrogate": "mod\udce8le",
    "long": "m" * 10_000,
    "formula": '=cmd|"/C calc"!A1',
    "list": "1. item\n# head\n- - -",
    "template": "{0} {x!r} {complete} %s {{}}",
}


def text_of(report: Report, *, width: int = 100, color: bool = False, verbose: bool = False) -> str:
    options = RenderOptions(color=color, width=width, verbose=verbose)
    return FORMATS["text"].render(report, options)


def markdown_of(report: Report, *, verbose: bool = False, summary: bool = False) -> str:
    return FORMATS["markdown"].render(report, RenderOptions(verbose=verbose, summary=summary))


def json_of(report: Report) -> str:
    return FORMATS["json"].render(report, RenderOptions())


def csv_of(report: Report) -> str:
    return FORMATS["csv"].render(report, RenderOptions())


def is_printable(text: str) -> bool:
    return not any(unicodedata.category(c) in CONTROL for c in text.replace("\n", ""))


# A figure: digits with an optional sign, point, separators and "<", not inside a word or a date.
FIGURE = re.compile(r"(?<![\w.:#-])[<>]?-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w:.]|-\d)")
# Of diag's own words, not of the capture: the definition of the tail.
OWN_FIGURES = {"1", "10"}


def figures(text: str) -> list[str]:
    return FIGURE.findall(text)


def shown_forms(node: object) -> set[str]:
    """Every way in which a number of the JSON document can be shown.

    Sentences of sections are left out: the numbers in them have to stand in facts or tables too.
    """
    forms: set[str] = set()
    if isinstance(node, dict):
        for key, value in node.items():
            if key != "text":
                forms |= shown_forms(value)
    elif isinstance(node, list):
        for value in node:
            forms |= shown_forms(value)
    elif isinstance(node, str):
        forms |= set(figures(node))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        shown = [milliseconds(node), duration(node), percent(node), number(node), str(node)]
        shown += [quantity(float(node), unit) for unit in ("", "ms", "mW", "bytes", "ratio")]
        forms |= {figure for text in shown for figure in figures(text)}
    return forms


def between(text: str, first: str, last: str) -> str:
    """From the line that begins with ``first`` up to the one that begins with ``last``."""
    lines = text.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = next((i for i, line in enumerate(lines[begin:], begin) if line.startswith(last)), None)
    assert end is not None, f"no line begins with {last}"
    return "\n".join(lines[begin:end]).strip("\n")
