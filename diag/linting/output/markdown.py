"""A table for a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diag.linting.output.text import summary
from diag.model.printable import printable

if TYPE_CHECKING:
    from diag.linting import Lint

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#&])")


def render_markdown(found: Lint) -> str:
    """The counts, and one row a problem."""
    lines = [summary(found), ""]
    if found.problems:
        lines += ["| place | severity | problem | fix | rule |", "|---|---|---|---|---|"]
    for each in found.problems:
        finding = each.finding
        cells = (str(each.place), finding.severity.value, finding.what, each.fix, finding.id)
        lines.append("| " + " | ".join(_escaped(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))
