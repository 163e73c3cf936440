"""The words of a shell command, each with its position. Nothing is expanded or run.

``shlex`` splits the same way, but forgets where a word stood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.formats.config.place import Place

_PIECE = re.compile(
    r"""
      (?P<joined>\\\r?\n)
    | (?P<end>\n | && | \|\|? | ; | &)
    | (?P<space>[ \t\r]+)
    | (?P<single>'[^']*')
    | (?P<double>"(?:[^"\\]|\\.)*")
    | (?P<escaped>\\.)
    | (?P<plain>\$\{[^}\n]*\} | \$\([^)\n]*\) | [^\s'"\\;&|]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word, without its quotes."""

    text: str
    place: Place


def split_commands(text: str, start: Place) -> Iterator[tuple[Word, ...]]:
    """The simple commands of a shell text: separated by line ends, ``;``, ``&``, ``|``.

    A backslash at the end of a line joins it with the next. ``#`` at the start of a word begins a
    comment. An unclosed quote stands for itself.

    Args:
        text: All of it.
        start: Place of its first character.
    """
    words: list[Word] = []
    current: list[str] = []
    begun: Place | None = None
    line, line_start, position = 1, 0, 0
    while position < len(text):
        if text[position] == "#" and begun is None:
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
            continue
        piece = _PIECE.match(text, position)
        if piece is None:  # the pattern takes any character
            break
        kind, value = piece.lastgroup, piece[0]
        if kind in ("joined", "end", "space"):
            if begun is not None:
                words.append(Word("".join(current), begun))
                current, begun = [], None
            if kind == "end" and words:
                yield tuple(words)
                words = []
        else:
            if begun is None:
                begun = start.moved(line, position - line_start + 1)
            current.append(_plain(str(kind), value))
        if "\n" in value:
            line += value.count("\n")
            line_start = position + value.rindex("\n") + 1
        position = piece.end()
    if begun is not None:
        words.append(Word("".join(current), begun))
    if words:
        yield tuple(words)


def _plain(kind: str, value: str) -> str:
    if kind == "single":
        return value[1:-1]
    if kind == "double":
        return re.sub(r"\\\n", "", re.sub(r'\\(["\\$`])', r"\1", value[1:-1]))
    return value[1:] if kind == "escaped" else value
