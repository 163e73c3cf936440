"""What a page consists of, whatever it is drawn on: headings, paragraphs, lists and grids.

Texts are neither escaped nor wrapped; a format does that.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text.

    Attributes:
        label: What it is about, shown before it; "" for none.
        is_title: Whether it is the title of the page.
        is_lead: Whether it is the paragraph to read first.
        is_caption: Whether a table follows that it names.
        is_footer: Whether it ends the page.
        strong: Part of the text to emphasize; "" for none.
    """

    text: str
    label: str = ""
    is_title: bool = False
    is_lead: bool = False
    is_caption: bool = False
    is_footer: bool = False
    strong: str = ""

    def parts(self) -> tuple[str, str, str]:
        """The text before, in and after ``strong``."""
        if self.strong not in self.text or not self.strong:
            return self.text, "", ""
        return self.text.partition(self.strong)


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
