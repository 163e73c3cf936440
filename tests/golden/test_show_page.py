"""The output on the page of ``diag show`` is what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

from diag.analysis import analyze
from diag.formats.source import open_bundle
from diag.report.rendering import render
from diag.report.request_report import build_request_report
from tests.conftest import sample_path

PAGE = Path(__file__).parents[2] / "docs" / "show.md"
SHOWN = re.compile(r"(<!-- output of show -->\n```text\n)(.*?)(```\n)", re.S)
REQUEST = 122


def printed() -> str:
    folder = sample_path("batch-timeout")
    capture = open_bundle(
        folder / "server.xplane.pb",
        batching_parameters=folder / "batching_parameters.txt",
    )
    return render(build_request_report(analyze(capture), requests=[REQUEST]))


def test_the_page_shows_what_the_command_prints() -> None:
    page = PAGE.read_text()
    found = SHOWN.search(page)
    assert found is not None
    assert found[2] == printed()
    assert f"--request {REQUEST} " in page
