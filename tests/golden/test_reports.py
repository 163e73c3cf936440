"""Whole reports, as files to be read: after a change, update them and review the difference."""

from __future__ import annotations

import csv
import functools
import html
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest

from diag.analysis import analyze
from diag.formats.source import open_bundle
from diag.report.build import build_report
from diag.report.formats import RenderOptions, format_named
from diag.report.formats._json_document import published_schema
from diag.report.ticket import LINES_MAX, build_ticket
from diag.tables.names import TABLE_NAMES
from tests.conftest import sample_path
from tests.unit.report.rendering import OWN_FIGURES, figures, shown_forms

if TYPE_CHECKING:
    from diag.report.model import Report

LOOPS = ("loop-naive", "loop-pipeline", "loop-pool")
CASES = (
    "batch-timeout",
    "padding",
    "no-batching",
    "in-graph-batching",
    "demo-slow-preprocess",
    *LOOPS,
)
# By the end of the file's name: the format and its options.
FORMATS = {
    "txt": ("text", RenderOptions()),
    "verbose.txt": ("text", RenderOptions(verbose=True)),
    "md": ("markdown", RenderOptions()),
    "summary.md": ("markdown", RenderOptions(summary=True)),
    "json": ("json", RenderOptions()),
    "csv": ("csv", RenderOptions()),
    "html": ("html", RenderOptions()),
    "jira": ("jira", RenderOptions()),
    "mrkdwn": ("slack", RenderOptions()),
    "ticket.md": ("markdown", RenderOptions()),
    "ticket.jira": ("jira", RenderOptions()),
    "ticket.mrkdwn": ("slack", RenderOptions()),
}
SUMMARY_LINES = 10
ATTACHED = "The whole report is attached: `report.html`."
UPDATE = "if it is meant to be so: python -m tests.golden.update, then review the difference"
FLOAT = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")
GOLDEN = Path(__file__).parent / "reports"


def golden_path(case: str, format_: str) -> Path:
    return GOLDEN / f"{case}.{format_}"


@functools.cache
def make_report(case: str) -> Report:
    folder = sample_path(case)
    bundle, parameters = folder / "bundle.zip", folder / "batching_parameters.txt"
    if bundle.exists():
        return build_report(analyze(open_bundle(bundle)))
    capture = open_bundle(
        folder / "server.xplane.pb",
        batching_parameters=parameters if parameters.exists() else None,
    )
    return build_report(analyze(capture))


def rendered(case: str, file: str) -> str:
    """As a user gets it; in JSON and HTML without the points of charts, which are thousands."""
    format_, options = FORMATS[file]
    report = make_report(case)
    if file.startswith("ticket."):
        return format_named(format_).render(build_ticket(report, ATTACHED), options)
    if file in ("json", "html"):
        report = without_series(report)
    text = format_named(format_).render(report, options)
    return without_code(text) if file == "html" else text


def without_code(text: str) -> str:
    """A page without style sheet, scripts and their hashes, which have tests of their own."""
    text = re.sub(r"<(style|script)>.*?</", r"<\1></", text, flags=re.S)
    return re.sub(r"sha256-[\w+/=]*", "sha256-…", text)


def without_series(report: Report) -> Report:
    sections = tuple(msgspec.structs.replace(each, series=()) for each in report.sections)
    return msgspec.structs.replace(report, sections=sections)


def rounded(node: Any) -> Any:
    """Sums of floats may differ in the last digit from one processor to another."""
    if isinstance(node, dict):
        return {key: rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [rounded(value) for value in node]
    return float(f"{node:.9g}") if isinstance(node, float) else node


def rounded_cells(text: str) -> list[list[str]]:
    """Rows of a CSV, floats as by ``rounded``."""
    return [
        [f"{float(cell):.9g}" if FLOAT.fullmatch(cell) else cell for cell in row]
        for row in csv.reader(io.StringIO(text))
    ]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_the_report_is_the_reviewed_one(case, format_):
    wanted = golden_path(case, format_).read_text()
    found = rendered(case, format_)
    if format_ == "json":
        assert rounded(json.loads(found)) == rounded(json.loads(wanted)), UPDATE
    elif format_ == "csv":
        assert rounded_cells(found) == rounded_cells(wanted), UPDATE
    else:
        assert found == wanted, UPDATE


@pytest.mark.parametrize("case", CASES)
def test_real_reports_are_of_the_published_schema(case):
    document = format_named("json").render(make_report(case), RenderOptions())
    jsonschema.validate(json.loads(document), json.loads(published_schema()))


@pytest.mark.parametrize("case", CASES)
def test_the_first_lines_of_markdown_are_a_ticket_by_themselves(case):
    markdown, summary = rendered(case, "md"), rendered(case, "summary.md")
    assert markdown.startswith(summary)
    assert len(summary.splitlines()) <= SUMMARY_LINES
    assert len(markdown.splitlines()) <= 90


@pytest.mark.parametrize("case", CASES)
def test_a_ticket_has_at_most_40_lines_and_ends_with_what_is_attached(case):
    lines = rendered(case, "ticket.md").splitlines()
    assert len(lines) <= LINES_MAX == 40
    assert lines[-1] == ATTACHED


@pytest.mark.parametrize("file", ["csv", "html", "jira", "mrkdwn", "ticket.jira", "ticket.mrkdwn"])
@pytest.mark.parametrize("case", CASES)
def test_every_figure_of_every_format_is_in_the_json(case, file):
    report = make_report(case)
    known = shown_forms(json.loads(format_named("json").render(report, RenderOptions())))
    known |= OWN_FIGURES | sentence_figures(report)
    found = figures(plain_text(rendered(case, file), file))
    assert len(found) > 15
    assert sorted(set(found) - known) == []


def sentence_figures(report: Report) -> set[str]:
    """Figures in sentences, which the JSON holds as text; and the numbers of the cards."""
    notes = [note.text for section in report.sections for note in section.notes]
    cards = map(str, range(1, len(report.findings) + 1))
    told = [each.what for each in report.findings]
    return set(figures(" ".join([*notes, *told, report.verdict.sentence, *cards])))


def plain_text(text: str, file: str) -> str:
    """What a reader sees of a format."""
    if file == "csv":
        return " ".join(row[6] for row in csv.reader(io.StringIO(text)))
    if file == "html":
        body = text.partition("</style>")[2]
        return html.unescape(re.sub(r"<svg.*?</svg>|<[^>]*>", " ", body, flags=re.S))
    return html.unescape(text.replace("\\", "").replace("\N{ZERO WIDTH SPACE}", ""))


def test_a_ticket_names_the_server():
    summary = rendered("demo-slow-preprocess", "summary.md")
    assert summary.startswith("# 127.0.0.1:8500 · image:1 · ")


def test_every_file_here_is_of_a_case():
    files = {path.name for path in GOLDEN.iterdir()}
    assert files == {golden_path(case, format_).name for case in CASES for format_ in FORMATS}


@pytest.mark.parametrize("case", CASES)
def test_evidence_can_be_looked_up(case):
    report = make_report(case)
    tables = {table.id for section in report.sections for table in section.tables}
    cited = {item.source.table for finding in report.findings for item in finding.evidence}
    cited |= {item.source.table for item in report.verdict.evidence}
    assert cited <= tables | set(TABLE_NAMES)
