"""What a page consists of, whatever it is drawn on: headings, paragraphs, lists and grids.

Texts are neither escaped nor wrapped; that is the business of whoever draws them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; ``label`` stands before it and is set apart, "" if there is none."""

    text: str
    label: str = ""
    is_lead: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title; numbers are set flush right."""

    title: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One cell a column.

    Attributes:
        is_strong: A total or a subtotal.
        indent: Levels under the row it belongs to.
    """

    cells: tuple[str, ...]
    is_strong: bool = False
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


Block = Heading | Paragraph | Bullets | Grid
