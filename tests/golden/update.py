"""``python -m tests.golden.update``: rewrite what is generated, then review it with git diff."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from diag.findings.rules import RULE_IDS
from diag.monitoring.prometheus import monitoring_files
from diag.monitoring.prometheus.files import with_tables
from diag.report.comparison.model import (
    COMPARISON_SCHEMA_RESOURCE,
    COMPARISON_SCHEMA_VERSION,
    ComparisonReport,
)
from diag.report.formats._json_document import SCHEMA_RESOURCE, report_schema, schema_of
from diag.report.tuning.model import TUNING_SCHEMA_RESOURCE, TUNING_SCHEMA_VERSION, TuningReport
from tests.golden import test_exports
from tests.golden import test_loop_samples as loop_samples
from tests.golden import test_show_page as show_page
from tests.golden.test_reports import CASES, FORMATS, golden_path, rendered
from tests.golden.typed_lines import FOLDER, error_text, help_text, prepare
from tests.golden.words import GOLDEN as WORDS
from tests.golden.words import all_words, with_rule_words

ROOT = Path(__file__).parents[2]
REPORT_PACKAGE = ROOT / "diag" / "report"
MONITORING = ROOT / "docs" / "monitoring"
SHOWN = re.compile(
    r"(<!-- output of ([\w-]+)( summary)? -->\n```(?:text|markdown)\n).*?(```\n)", re.S
)
README = ROOT / "README.md"
README_EVIDENCE = re.compile(r"(<!-- evidence of batch-timeout -->\n```text\n).*?```\n", re.S)
README_SHOWN = re.compile(r"(<!-- output of batch-timeout -->\n```text\n).*?\.\.\.\n```", re.S)


def main() -> None:
    (REPORT_PACKAGE / SCHEMA_RESOURCE).write_text(report_schema())
    (REPORT_PACKAGE / COMPARISON_SCHEMA_RESOURCE).write_text(comparison_schema())
    (REPORT_PACKAGE / TUNING_SCHEMA_RESOURCE).write_text(tuning_schema())
    for case in CASES:
        for format_ in FORMATS:
            golden_path(case, format_).write_text(rendered(case, format_))
    for sample in test_exports.SAMPLES:
        for name, text in test_exports.exports(sample).items():
            (test_exports.FOLDER / name).write_text(text)
    (FOLDER / "help.txt").write_text(help_text())
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        (FOLDER / "errors.txt").write_text(error_text(Path(folder)))
    WORDS.write_text(all_words())
    for rule in RULE_IDS:
        rule_page = ROOT / "docs" / "findings" / f"{rule}.md"
        rule_page.write_text(with_rule_words(rule_page.read_text(), rule))
    page = ROOT / "docs" / "analyze.md"
    page.write_text(SHOWN.sub(_shown_again, page.read_text()))
    text = show_page.printed()
    show_page.PAGE.write_text(
        show_page.SHOWN.sub(lambda found: f"{found[1]}{text}{found[3]}", show_page.PAGE.read_text())
    )
    README.write_text(with_readme_output(README.read_text()))
    for name, content in monitoring_files().items():
        (MONITORING / name).write_text(content)
    monitoring = MONITORING / "README.md"
    monitoring.write_text(with_tables(monitoring.read_text()))
    loops = loop_samples.PAGE
    loops.write_text(loop_samples.SHOWN.sub(loop_samples.shown_again, loops.read_text()))
    readme = ROOT / "README.md"
    readme.write_text(README_SHOWN.sub(_excerpt, readme.read_text()))


def comparison_schema() -> str:
    return schema_of(ComparisonReport, f"diag comparison, version {COMPARISON_SCHEMA_VERSION}")


def tuning_schema() -> str:
    return schema_of(TuningReport, f"diag tuning, version {TUNING_SCHEMA_VERSION}")


def _shown_again(match: re.Match[str]) -> str:
    file = "summary.md" if match[3] else "txt"
    return f"{match[1]}{golden_path(match[2], file).read_text()}{match[4]}"


def with_readme_output(page: str) -> str:
    """README with the parts of the report that it shows, as the command prints them."""
    return README_EVIDENCE.sub(_evidence, README_SHOWN.sub(_excerpt, page))


def _evidence(match: re.Match[str]) -> str:
    report = golden_path("batch-timeout", "verbose.txt").read_text()
    begin = report.index("\nEvidence\n") + 1
    end = report.index("\n\nFindings, named", begin) + 1
    return f"{match[1]}{report[begin:end]}```\n"


def _excerpt(match: re.Match[str]) -> str:
    """The verdict with its change, the ledger, and the largest causes of idle time."""
    report = golden_path("batch-timeout", "txt").read_text()
    verdict, _, rest = report.partition("\nLimits of this analysis\n")
    begin = rest.index("Where the time of ")
    ledger = rest[begin : rest.index("\n  - ", begin) + 1]
    idle = "\n".join(rest[rest.index("Idle time of ") :].splitlines()[:6])
    return f"{match[1]}{verdict.rstrip()}\n...\n{ledger}...\n{idle}\n...\n```"


if __name__ == "__main__":
    main()
