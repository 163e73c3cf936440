"""For programs: everything that is known of each problem."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from diag.model.availability import Unavailable
from diag.model.finding import Severity
from diag.model.printable import readable

if TYPE_CHECKING:
    from diag.linting import Lint
    from diag.linting.problem import Problem

VERSION = 1


def render_json(found: Lint) -> str:
    """An object with ``version``, ``files``, ``counts``, ``ignored`` and ``problems``."""
    document = {
        "version": VERSION,
        "files": [readable(path) for path in found.files],
        "skipped": [{"path": readable(s.path), "reason": s.reason} for s in found.skipped],
        "counts": {severity.value: found.count(severity) for severity in Severity},
        "ignored": found.ignored,
        "problems": [_problem(each) for each in found.problems],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _problem(each: Problem) -> dict[str, Any]:
    finding, remedy = each.finding, each.finding.remedies[0]
    setting = remedy.setting
    return {
        "rule": finding.id,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "path": readable(each.place.path),
        "line": each.place.line or None,
        "column": each.place.column if each.place.line else None,
        "message": readable(finding.what),
        "fix": readable(each.fix),
        "where": remedy.place.value,
        "setting": None
        if setting is None
        else {
            "name": setting.name,
            "now": None if isinstance(setting.now, Unavailable) else setting.now,
            "to": None if isinstance(setting.to, Unavailable) else setting.to,
        },
        "docs": finding.docs,
    }
