"""Where something is written."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file.

    Attributes:
        path: Of the file, as it was given.
        line: From 1; 0 where it is about the whole file.
        column: From 1, in characters.
    """

    path: str
    line: int = 0
    column: int = 1

    def moved(self, line: int, column: int) -> Place:
        """The place of a position within a text that begins here; both from 1."""
        first = column + self.column - 1 if line == 1 else column
        return replace(self, line=self.line + line - 1, column=first)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


class ConfigSyntaxError(Exception):
    """A text is not in the form that it should have.

    Attributes:
        place: Where that shows.
        what: In half a sentence.
    """

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.place = place
        self.what = what
