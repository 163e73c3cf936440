"""``python -m tests.golden.update``: rewrite what is generated, then review it with git diff."""

from __future__ import annotations

from pathlib import Path

from diag.report.json import SCHEMA_RESOURCE, report_schema
from tests.golden.test_reports import CASES, FORMATS, golden_path, rendered

REPORT_PACKAGE = Path(__file__).parents[2] / "diag" / "report"


def main() -> None:
    (REPORT_PACKAGE / SCHEMA_RESOURCE).write_text(report_schema())
    for case in CASES:
        for format_ in FORMATS:
            golden_path(case, format_).write_text(rendered(case, format_))


if __name__ == "__main__":
    main()
