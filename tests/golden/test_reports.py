"""Whole reports, as files to be read: after a change, update them and review the difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from diag.analysis import analyze
from diag.formats.source import open_bundle
from diag.report.build import build_report
from diag.report.json import published_schema, render_json
from diag.report.markdown import render_markdown
from diag.report.text import render_text
from tests.conftest import sample_path

if TYPE_CHECKING:
    from diag.report.report import Report

CASES = ("batch-timeout", "padding", "no-batching", "in-graph-batching")
FORMATS = ("txt", "md", "json")
UPDATE = "if it is meant to be so: python -m tests.golden.update, then review the difference"
GOLDEN = Path(__file__).parent / "reports"


def golden_path(case: str, format_: str) -> Path:
    return GOLDEN / f"{case}.{format_}"


def make_report(case: str) -> Report:
    folder = sample_path(case)
    parameters = folder / "batching_parameters.txt"
    analysis = analyze(
        open_bundle(
            folder / "server.xplane.pb",
            batching_parameters=parameters if parameters.exists() else None,
        )
    )
    return build_report(analysis)


def rendered(case: str, format_: str) -> str:
    report = make_report(case)
    if format_ == "txt":
        return render_text(report, color=False, width=100)
    return render_markdown(report) if format_ == "md" else render_json(report)


def rounded(node: Any) -> Any:
    """Sums of floats may differ in the last digit from one processor to another."""
    if isinstance(node, dict):
        return {key: rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [rounded(value) for value in node]
    return float(f"{node:.9g}") if isinstance(node, float) else node


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_the_report_is_the_reviewed_one(case, format_):
    wanted = golden_path(case, format_).read_text()
    found = rendered(case, format_)
    if format_ == "json":
        assert rounded(json.loads(found)) == rounded(json.loads(wanted)), UPDATE
    else:
        assert found == wanted, UPDATE


@pytest.mark.parametrize("case", CASES)
def test_real_reports_are_of_the_published_schema(case):
    jsonschema.validate(json.loads(rendered(case, "json")), json.loads(published_schema()))


@pytest.mark.parametrize("case", CASES)
def test_markdown_fits_a_ticket(case):
    assert 30 < len(rendered(case, "md").splitlines()) <= 60


def test_every_file_here_is_of_a_case():
    files = {path.name for path in GOLDEN.iterdir()}
    assert files == {golden_path(case, format_).name for case in CASES for format_ in FORMATS}
