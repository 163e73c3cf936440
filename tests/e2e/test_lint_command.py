"""``diag lint`` as people run it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_cli import diag

CORPUS = Path(__file__).parents[1] / "corpus" / "lint"
GOOD = CORPUS / "batching-plain" / "batching_parameters.txt"
BAD = CORPUS / "command-space" / "run.sh"


def test_good_files_are_said_to_be_good() -> None:
    done = diag("lint", GOOD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "No problems in 1 file.\n", "")


def test_problems_do_not_fail_unless_asked_to() -> None:
    done = diag("lint", BAD)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{BAD}:1:25: critical: --port without an equals sign" in done.stdout
    failed = diag("lint", BAD, "--fail-on", "critical")
    assert (failed.returncode, failed.stdout) == (1, done.stdout)
    assert "2 problems, the first is flag-without-equals at " in failed.stderr
    assert "docs/lint/flag-without-equals.md" in failed.stderr
    assert diag("lint", BAD, "--fail-on", "ports-clash").returncode == 0
    ignored = diag("lint", BAD, "--fail-on", "info", "--ignore", "flag-without-equals")
    assert (ignored.returncode, ignored.stdout) == (0, "No problems in 1 file (2 ignored).\n")


def test_the_article_becomes_files(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    article = CORPUS / "article-json" / "model_config.json"
    done = diag("lint", article, "--fix", folder)
    assert done.returncode == 0
    assert "a file of their own" in done.stdout
    names = ["batching_parameters.txt", "flags.txt", "models.config"]
    assert sorted(path.name for path in folder.iterdir()) == names
    for name in names:
        assert f"wrote {folder / name}\n" in done.stderr
    again = diag("lint", article, "--fix", folder)
    assert again.returncode == 7
    assert "exists" in again.stderr
    assert diag("lint", folder).stdout == "No problems in 3 files.\n"
    nothing = diag("lint", GOOD, "--fix", tmp_path / "none")
    assert "nothing to rewrite" in nothing.stderr
    assert not (tmp_path / "none").exists()


def test_a_folder_is_searched_and_named_files_that_are_nothing_are_said(tmp_path: Path) -> None:
    shutil.copytree(CORPUS / "kubernetes", tmp_path / "deploy")
    (tmp_path / "deploy" / "notes.md").write_text("Nothing.\n")
    done = diag("lint", tmp_path / "deploy", "--format", "json")
    document = json.loads(done.stdout)
    assert [Path(path).name for path in document["files"]] == ["deployment.yaml"]
    assert {problem["rule"] for problem in document["problems"]} == {
        "base-path-is-version",
        "handler-threads-below-batches",
        "threads-not-limited",
        "probe-counts-as-request",
    }
    assert done.stderr == ""
    named = diag("lint", tmp_path / "deploy" / "notes.md")
    assert "notes.md: nothing in it configures a server" in named.stderr
    template = diag("lint", CORPUS / "helm-template")
    assert "a template; check what helm template makes of it" in template.stderr


def test_a_running_server_is_read() -> None:
    server = subprocess.Popen(
        ["/usr/bin/tensorflow_model_server", "60"], executable=shutil.which("sleep")
    )
    try:
        done = diag("lint", "--pid", str(server.pid))
        assert done.returncode == 0
        assert f"process {server.pid}" in done.stdout
        assert "[model-not-given]" in done.stdout
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "nothing to check"),
        (("no-such-folder",), 3, "no such file or folder"),
        (("--pid", "1999999999"), 3, "no process 1999999999 on this host"),
        (("--fail-on", "flag-unknwon", "x"), 2, "Did you mean flag-unknown?"),
    ],
)
def test_wrong_usage_is_said(arguments: tuple[str, ...], code: int, message: str) -> None:
    done = diag("lint", *arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stdout == ""
