"""The examples of docs/library.md, run in order like the cells of a notebook."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

import diag
from tests.conftest import sample_path
from tests.support.collector import collecting
from tests.support.serving import serving

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
RUNS = ("2026_11_21_10_00_00", "2026_11_22_10_00_00")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory as the page assumes it: the samples, and a log directory."""
    (tmp_path / "sample_traces").symlink_to(sample_path("padding").parent)
    for run in RUNS:
        runs = tmp_path / "logs" / "plugins" / "profile" / run
        runs.mkdir(parents=True)
        shutil.copy(sample_path("padding") / "server.xplane.pb", runs / "h.xplane.pb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_example_prints_what_the_page_shows(folder: Path) -> None:
    with serving() as server, collecting() as collector:
        text = PAGE.read_text().replace("localhost:8500", server.address)
        text = text.replace("localhost:4317", collector.address)
        example = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
        assert len(example.examples) > 50
        printed: list[str] = []
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        runner.run(example, out=printed.append)
    assert not printed, "".join(printed)
    assert (folder / "incident.zip").is_file()


def test_every_public_function_has_a_section_and_an_example() -> None:
    functions = [name for name in diag.__all__ if name[0].islower()]
    assert len(functions) >= 6
    text = PAGE.read_text()
    for name in functions:
        section = re.search(rf"^## `{name}`.*?(?=^## |\Z)", text, re.M | re.S)
        assert section is not None, name
        assert re.search(rf"^>>> .*\bdiag\.{name}\(", section[0], re.M), name


def test_every_block_of_code_is_an_example() -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    assert len(blocks) > 15
    for language, block in blocks:
        assert language == "python"
        assert block.startswith(">>> ")
        assert block.endswith("\n\n")  # the end of what is printed, for doctest
