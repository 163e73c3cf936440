"""SARIF 2.1.0, which code hosts and editors show next to the lines.

Schema: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from diag.model.finding import Severity
from diag.model.printable import readable
from diag.version import __version__

if TYPE_CHECKING:
    from diag.linting import Lint
    from diag.linting.problem import Problem

_LEVELS = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render_sarif(found: Lint) -> str:
    """One run with its rules and results."""
    pages = {each.finding.id: each.finding.docs for each in found.problems}
    ids = sorted(pages)
    driver = {
        "name": "diag lint",
        "version": __version__,
        "rules": [
            {
                "id": id_,
                "shortDescription": {"text": id_.replace("-", " ")},
                "help": {"text": f"See {pages[id_]}."},
            }
            for id_ in ids
        ],
    }
    document = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
        "sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, ids) for each in found.problems],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _result(each: Problem, ids: list[str]) -> dict[str, Any]:
    finding, place = each.finding, each.place
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.path)}}
    if place.line:
        physical["region"] = {"startLine": place.line, "startColumn": place.column}
    return {
        "ruleId": finding.id,
        "ruleIndex": ids.index(finding.id),
        "level": _LEVELS[finding.severity],
        "message": {"text": readable(f"{finding.what} {each.fix}")},
        "locations": [{"physicalLocation": physical}],
    }


def _uri(path: str) -> str:
    """A relative reference, or a file URI."""
    quoted = quote(readable(path))
    return f"file://{quoted}" if PurePosixPath(path).is_absolute() else quoted
