"""A recording of hostile names through the commands: text stays text in every format."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from tests.conftest import sample_path
from tests.support.hostile_bundle import HOSTILE, INVALID, PLANTED, hostile_bundle
from tests.support.shell import diag
from tests.unit.report.rendering import is_printable

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = sample_path("demo-batch-timeout") / "bundle.zip"
FILE = f"{HOSTILE[1].replace('/', '')}.zip"
APART = "\N{ZERO WIDTH SPACE}"  # which the format for Slack puts between names and its markup
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / FILE).write_bytes(hostile_bundle(SOURCE))
    return folder


@pytest.mark.parametrize("name", ["text", "markdown", "json", "csv", "jira", "slack"])
def test_no_format_has_a_character_that_acts(folder: Path, name: str) -> None:
    done = diag("report", FILE, "-f", name, "-v", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert PLANTED in done.stdout  # as text; the tests of the page see that nothing runs it
    assert is_printable(done.stdout.replace(APART, "") if name == "slack" else done.stdout)
    assert is_printable(done.stderr)
    if name == "json":
        assert json.loads(done.stdout)["verdict"]["id"] == "batch-timeout-dominates"


def test_its_charts_hold_nothing_but_drawings(folder: Path) -> None:
    done = diag("report", FILE, "--charts", "charts", "-o", "report.txt", cwd=folder)
    assert done.returncode == 0, done.stderr
    files = sorted((folder / "charts").glob("*.svg"))
    assert len(files) >= 4
    for path in files:
        text = path.read_text("utf-8")
        assert is_printable(text)
        tags = {each.tag.removeprefix(SVG) for each in ET.fromstring(text).iter()}
        assert not tags & {"script", "image", "foreignObject", "a", "use"}


def test_two_sides_of_hostile_names_are_compared(folder: Path) -> None:
    for name in ("text", "json", "markdown"):
        done = diag("compare", FILE, str(SOURCE), "-f", name, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert is_printable(done.stdout)


def test_a_trace_that_is_no_text_is_refused_in_one_clean_sentence(folder: Path) -> None:
    (folder / "bytes.zip").write_bytes(hostile_bundle(SOURCE, trace=INVALID))
    done = diag("report", "bytes.zip", cwd=folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "text that is not UTF-8 at byte " in done.stderr
    assert is_printable(done.stderr)


def test_metrics_that_are_no_text_are_left_out(folder: Path) -> None:
    (folder / "metrics.zip").write_bytes(hostile_bundle(SOURCE, metrics=INVALID))
    done = diag("report", "metrics.zip", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "[metrics-unreadable]" in done.stdout
    assert is_printable(done.stdout)
