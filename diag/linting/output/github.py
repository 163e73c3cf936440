"""Annotations of GitHub Actions.

Syntax and escapes: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.finding import Severity
from diag.model.printable import readable

if TYPE_CHECKING:
    from diag.linting import Lint

_COMMANDS = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render_github(found: Lint) -> str:
    """One workflow command a problem; nothing without any."""
    lines = []
    for each in found.problems:
        finding, place = each.finding, each.place
        where = f"file={_property(place.path)}"
        if place.line:
            where += f",line={place.line},col={place.column}"
        message = _data(f"{finding.what} {each.fix}")
        lines.append(f"::{_COMMANDS[finding.severity]} {where},title={finding.id}::{message}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return readable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
