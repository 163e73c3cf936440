"""What ``diag capture`` writes to stdout and stderr: reports, bundles, progress."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from diag.formats.source import open_bundle
from tests.support.serving import NOTHING, serving
from tests.support.shell import QUICK, diag, read_all


def test_the_report_is_printed_in_the_format_asked_for(tmp_path: Path) -> None:
    with serving() as server:
        done = diag("capture", server.address, *QUICK, "--format", "json", "-o", "b", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "schema_version" in json.loads(done.stdout)


def test_the_report_can_be_a_page_as_well(tmp_path: Path) -> None:
    options = (*QUICK, "--html", "incident.html")
    with serving() as server:
        done = diag("capture", server.address, *options, "-o", "b", cwd=tmp_path)
        again = diag("capture", server.address, *options, "-o", "c", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("bundle: b\n")
    page = (tmp_path / "incident.html").read_text()
    assert page.startswith("<!doctype html>")
    written = diag("report", "b", "-f", "html", cwd=tmp_path)
    assert (written.returncode, written.stdout) == (0, page)
    # Refused before anything is recorded.
    assert again.returncode == 7
    assert "incident.html exists" in again.stderr
    assert not (tmp_path / "c").exists()


def test_a_dash_sends_the_bundle_to_stdout_as_a_zip(tmp_path: Path) -> None:
    with serving() as server, (tmp_path / "b.zip").open("wb") as file:
        command = [sys.executable, "-m", "diag", "capture", server.address, *QUICK, "-o", "-"]
        done = subprocess.run(
            command, cwd=tmp_path, stdout=file, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    assert "into <stdout>" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]
    assert len(open_bundle(tmp_path / "b.zip").planes) > 0


def test_an_empty_window_still_sends_the_bundle_to_stdout(tmp_path: Path) -> None:
    with serving(lines=NOTHING) as server, (tmp_path / "b.zip").open("wb") as file:
        command = [sys.executable, "-m", "diag", "capture", "-q", server.address, *QUICK]
        done = subprocess.run(
            [*command, "-o", "-"],
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 5
    assert "the recording is in <stdout>" in done.stderr
    assert done.stderr.endswith("--duration 100ms --output - --wait-for-traffic\n")
    assert len(open_bundle(tmp_path / "b.zip").planes) > 0


def test_a_zip_is_not_written_to_a_terminal_nor_beside_a_report(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "diag", "capture", "localhost:1", "-o", "-"]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(theirs)
    assert read_all(ours) == ""
    assert done.returncode == 2
    assert "terminal" in done.stderr
    both = diag("capture", "localhost:1", "-o", "-", "-f", "json", cwd=tmp_path)
    assert (both.returncode, both.stdout) == (2, "")
    assert "--format, --summary, --html and --fail-on have no effect with -o -" in both.stderr
    page = diag("capture", "localhost:1", "-o", "-", "--html", "a.html", cwd=tmp_path)
    assert (page.returncode, page.stdout) == (2, "")


def test_quiet_says_nothing_on_stderr(tmp_path: Path) -> None:
    with serving() as server:
        done = diag("capture", "-q", "--server", server.address, *QUICK, "-o", "b", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.endswith("bundle: b\n")


def test_a_terminal_sees_a_bar_that_goes_away(tmp_path: Path) -> None:
    """The bar is drawn on a pseudo-terminal, without colour when NO_COLOR is set."""
    ours, theirs = os.openpty()
    with serving() as server:
        command = [sys.executable, "-m", "diag", "capture", "--server", server.address, *QUICK[:3]]
        with subprocess.Popen(
            [*command, "--duration", "600ms", "-o", "b"],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            seen = read_all(ours)
        assert process.returncode == 0
    assert "recording ━" in seen
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", seen)
