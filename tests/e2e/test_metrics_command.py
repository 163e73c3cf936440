"""``diag metrics`` as people run it: on a page, and on files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.conftest import sample_path
from tests.e2e.test_cli import diag
from tests.support.serving import http_server, metrics_text


@pytest.fixture(name="pages")
def _pages(tmp_path: Path) -> tuple[Path, Path]:
    """The metrics pages of a recorded server."""
    with zipfile.ZipFile(sample_path("demo-batch-timeout") / "bundle.zip") as bundle:
        for name in ("before", "after"):
            found = next(n for n in bundle.namelist() if n.endswith(f"metrics-{name}.prom"))
            (tmp_path / f"{name}.prom").write_bytes(bundle.read(found))
    return tmp_path / "before.prom", tmp_path / "after.prom"


def test_two_files(pages: tuple[Path, Path]) -> None:
    done = diag("metrics", *pages, "--interval", "4s", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    (model,) = json.loads(done.stdout)["models"]
    assert model["model"] == "dense"
    assert model["requests_per_s"] == model["by_status"]["OK"] / 4
    text = diag("metrics", *pages).stdout
    assert "give it with --interval" in text
    assert "latency, mean" in text


def test_one_file_counts_from_the_start(pages: tuple[Path, Path]) -> None:
    both = json.loads(diag("metrics", *pages, "-f", "json").stdout)["models"][0]
    one = json.loads(diag("metrics", pages[1], "-f", "json").stdout)["models"][0]
    assert one["by_status"]["OK"] > both["by_status"]["OK"]


def test_a_page_is_read_twice() -> None:
    counts = iter((5, 8))
    with http_server({"/m": lambda: (200, metrics_text(next(counts)))}) as url:
        done = diag("metrics", "--url", f"{url}/m", "--interval", "200ms", "-f", "json")
    document = json.loads(done.stdout)
    assert document["models"][0]["by_status"] == {"OK": 3}
    assert document["seconds"] >= 0.2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give --url, or one or two files"),
        (("a", "b", "c"), 2, "more than two files"),
        (("no-such.prom",), 3, "no such file"),
        (("--url", "http://127.0.0.1:1/m"), 4, "check the URL"),
        (("--url", "localhost:8501"), 2, "url"),
    ],
)
def test_wrong_usage_is_said(arguments: tuple[str, ...], code: int, message: str) -> None:
    done = diag("metrics", *arguments)
    assert done.returncode == code
    assert message in done.stderr
