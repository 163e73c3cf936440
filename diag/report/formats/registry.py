"""The register of report formats; a module of this package adds one by registering it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.report.model import Page


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a report is written; a format ignores what it has no use for.

    Attributes:
        color: Whether ANSI colours may be used.
        width: Columns of the screen.
        verbose: Whether details are shown: zero rows, evidence, internals.
        summary: Whether only the summary is shown, for a ticket.
    """

    color: bool = False
    width: int = 100
    verbose: bool = False
    summary: bool = False


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """One way to write a report.

    Attributes:
        name: As in ``--format``.
        suffixes: Of files in it, lower-case, with the dot.
        description: One phrase for help texts.
        render: Writes the report; the result ends with a newline.
        aliases: Other names that are accepted.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    render: Callable[[Page, RenderOptions], str]
    aliases: tuple[str, ...] = ()


FORMATS: dict[str, ReportFormat] = {}


def register(format_: ReportFormat) -> None:
    """Add a format.

    Raises:
        ValueError: Its name, an alias or a suffix is taken.
    """
    names, suffixes = {format_.name, *format_.aliases}, set(format_.suffixes)
    for other in FORMATS.values():
        if names & {other.name, *other.aliases} or suffixes & set(other.suffixes):
            raise ValueError(f"report formats {other.name} and {format_.name} are in conflict")
    FORMATS[format_.name] = format_


def format_named(name: str) -> ReportFormat:
    """The format with this name or alias.

    Raises:
        KeyError: There is none.
    """
    for format_ in FORMATS.values():
        if name == format_.name or name in format_.aliases:
            return format_
    raise KeyError(name)


def format_for(suffix: str) -> ReportFormat | None:
    """The format of files with this suffix (``.md``), or None."""
    wanted = suffix.lower()
    return next((f for f in FORMATS.values() if wanted in f.suffixes), None)
