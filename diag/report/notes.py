"""Sentences with numbers: the text for a person and the raw facts, made in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from diag.report.model import Fact, Note
from diag.report.shown import shown_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diag.report.model import Cell


def note(
    template: str,
    *,
    label: str = "",
    style: Literal["plain", "lead", "item"] = "plain",
    **facts: tuple[Cell, str],
) -> Note:
    """A Note; ``{name}`` in the template stands for the fact of that name, a value and its unit.

    >>> note("{time} per row", time=(250_000, "ns")).text
    '250 µs per row'
    """
    return note_of(template, facts, label=label, style=style)


def note_of(
    template: str,
    facts: Mapping[str, tuple[Cell, str]],
    *,
    label: str = "",
    style: Literal["plain", "lead", "item"] = "plain",
    is_detail: bool = False,
) -> Note:
    """The same with facts whose names are not known beforehand."""
    texts = {name: shown_value(value, unit) for name, (value, unit) in facts.items()}
    return Note(
        text=template.format_map(texts),
        label=label,
        facts=tuple(Fact(name, value, unit) for name, (value, unit) in facts.items()),
        style=style,
        is_detail=is_detail,
    )


def plural(n: int, one: str, many: str = "") -> str:
    """``one`` for 1, else ``many`` or ``one`` with an s."""
    return one if n == 1 else many or f"{one}s"


def listed(parts: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
