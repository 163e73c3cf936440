"""As a compiler writes: ``path:line:column: severity: message [rule]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.model.finding import Severity
from diag.model.printable import printable

if TYPE_CHECKING:
    from diag.linting import Lint


def render_text(found: Lint) -> str:
    """Two lines a problem, and a line with the counts."""
    lines = []
    for each in found.problems:
        finding = each.finding
        place = printable(str(each.place))
        lines.append(f"{place}: {finding.severity.value}: {finding.what} [{finding.id}]")
        lines.append(f"    fix: {each.fix}")
    lines.append(summary(found))
    return "\n".join(lines) + "\n"


def summary(found: Lint) -> str:
    """``2 critical, 1 warning in 3 files``."""
    count = len(found.files)
    files = f"{count} {'file' if count == 1 else 'files'}"
    ignored = f" ({found.ignored} ignored)" if found.ignored else ""
    counts = [(found.count(severity), severity.value) for severity in Severity]
    named = ", ".join(f"{number} {name}" for number, name in counts if number)
    return f"{named or 'No problems'} in {files}{ignored}."
