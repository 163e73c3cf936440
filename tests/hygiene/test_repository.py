"""Rules of this repository that no other tool checks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import diag
from diag.cli.commands import COMMANDS
from tests.golden.test_reports import golden_path

ROOT = Path(__file__).parents[2]
FOLDERS = (".ci", "benchmarks", "diag", "docs", "sample_traces", "tests")
TEXT_SUFFIXES = {".py", ".pyi", ".pyx", ".md", ".toml", ".txt", ".proto", ".in", ".json", ""}
GENERATED = re.compile(r"_pb2\.pyi?$|/schema/|/golden/reports/|/truth\.json$")
LINES_MAX = 400

PYPROJECT = (ROOT / "pyproject.toml").read_text()
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "sample_traces" / "README.md"]
)


def texts() -> list[Path]:
    """Every text of the repository: what stands at its root, and below its folders.

    `.git` is a file in a linked worktree, and is no text of the repository.
    """
    at_root = [path for path in ROOT.iterdir() if path.name != ".git"]
    places = [*at_root, *(path for name in FOLDERS for path in (ROOT / name).rglob("*"))]
    return sorted(
        path
        for path in places
        if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts
    )


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def test_the_index_of_the_docs_links_every_page() -> None:
    """But those of rules, which reports name one by one; they have an index of their own."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text()
    pages = [path.relative_to(docs) for path in docs.rglob("*.md") if path != docs / "index.md"]
    assert len(pages) > 20
    linked = [
        page
        for page in pages
        if page.parent.name not in ("findings", "lint") or page.name == "index.md"
    ]
    assert [str(page) for page in linked if f"]({page.as_posix()})" not in index] == []


def test_every_command_is_in_the_index_and_the_readme() -> None:
    index, readme = (ROOT / "docs" / "index.md").read_text(), (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"[diag {name}]({name}.md)" not in index] == []
    assert [name for name in COMMANDS if f"diag {name}" not in readme] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", prose):
        place = (page.parent / target).resolve() if target else page
        found = place.exists() and (not anchor or anchor in anchors(place))
        broken += [] if found else [f"{target}#{anchor}"]
    assert broken == []


def test_decisions_are_numbered_without_gaps_and_say_what_follows() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:5] for path in pages] == [f"{i:04d}-" for i in range(1, len(pages) + 1)]
    for number, path in enumerate(pages, 1):
        text = path.read_text()
        assert text.startswith(f"# {number}. ")
        parts = re.findall(r"^## (.*)$", text, re.M)
        assert parts == ["Context", "Decision", "Consequences"], path.name


def test_the_output_shown_in_the_readme_is_real() -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.search(r"<!-- output of batch-timeout -->\n```text\n(.*?)\.\.\.\n```", readme, re.S)
    assert shown is not None
    rest = golden_path("batch-timeout", "txt").read_text()
    pieces = shown[1].split("...\n")
    assert len(pieces) == 3
    assert rest.startswith(pieces[0])
    for piece in pieces:
        assert piece.strip()
        _, found, rest = rest.partition(piece)
        assert found, f"python -m diag prints something else than this:\n{piece}"


def test_the_readme_begins_with_what_it_does_and_shows_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    first, second = re.match(r"# diag\n\n(.+?)\n\n(.+?)\n\n", readme, re.S).groups()
    assert len(re.findall(r"\.(?:\s|$)", first)) == 3
    assert "sample_traces" in second
    assert re.findall(r"^    (make \w+) +#", readme, re.M) == ["make demo", "make test"]


def test_no_text_names_places_on_somebodys_machine_or_work_left_undone() -> None:
    places = re.compile(r"(?<![\w.\-<>{}$])/(?:home|root|work|Users|mnt/c)/\w")
    undone = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    files = [path for path in texts() if path.name != "constraints.txt"]
    assert len(files) > 200
    found = [
        f"{name_of(path)}:{number}: {line.strip()[:80]}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if places.search(line) or undone.search(line)
    ]
    assert found == []


def test_no_module_is_longer_than_one_sitting() -> None:
    modules = [path for path in texts() if path.suffix == ".py"]
    assert len(modules) > 150
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules}
    assert {
        name: length
        for name, length in lengths.items()
        if length > LINES_MAX and not GENERATED.search(name)
    } == {}


def test_tests_skip_nothing_but_an_address_family_the_machine_lacks() -> None:
    skip = re.compile(r"pytest\.(?:mark\.)?(?:skip|skipif|importorskip)\b|unittest\.skip")
    lines = [
        line.strip()
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if skip.search(line)
    ]
    assert [line for line in lines if "has_dualstack_ipv6" not in line] == []


def test_python_versions_agree_everywhere() -> None:
    listed = re.findall(r'"Programming Language :: Python :: 3\.(\d+)"', PYPROJECT)
    first, end = re.findall(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', PYPROJECT, re.M)[0]
    assert listed == [str(minor) for minor in range(int(first), int(end))]
    makefile = (ROOT / "Makefile").read_text()
    assert f"(3, {first}) <= sys.version_info[:2] <= (3, {int(end) - 1})" in makefile
    assert f'python_version = "3.{first}"' in PYPROJECT
    assert f'target-version = "py3{first}"' in PYPROJECT
    for page in ("README.md", "CONTRIBUTING.md"):
        assert f"Python 3.{first} to 3.{int(end) - 1}" in (ROOT / page).read_text()


def test_the_version_is_one_and_has_an_entry_in_the_changelog() -> None:
    assert f'\nversion = "{diag.__version__}"\n' in PYPROJECT
    assert f"\n## [{diag.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_there_and_is_the_one_that_is_named() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert 'license = "Apache-2.0"' in PYPROJECT
    assert "Apache License 2.0" in (ROOT / "README.md").read_text()


def test_everything_that_make_installs_is_pinned() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    shape = re.compile(r'^([a-z0-9\-]+)==[\w.]+(?:; python_version (?:<|>=) "3\.\d+")?$')
    assert [line for line in lines if not shape.match(line)] == []
    pinned = {line.split("==")[0] for line in lines}
    sections = re.findall(
        r"^(?:requires|dependencies|tensorboard|demo|dev) = \[(.*?)\]", PYPROJECT, re.M | re.S
    )
    assert len(sections) == 5
    wanted = {
        normal(name) for section in sections for name in re.findall(r'"([\w\-]+)[^"]*"', section)
    }
    assert len(wanted) > 20
    assert wanted - pinned == set()
    assert {"pip", "setuptools", "wheel", "cython"} <= pinned


def test_what_must_pass_is_what_a_contributor_can_run() -> None:
    commands = [
        line
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["make lint", "make test"]
    assert "set -euo pipefail" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("target", ["demo", "test", "lint", "bench"])
def test_make_help_lists_the_targets_and_a_second_call_installs_nothing(
    target: str, tmp_path: Path
) -> None:
    listed = make("help").splitlines()
    assert target in {line.split("\t")[0] for line in listed}
    venv = tmp_path / "venv"
    venv.mkdir()
    for stamp in (".pip", ".demo", ".dev"):
        (venv / stamp).touch()
    assert "install" not in make("-n", f"VENV={venv}", target)
    (venv / ".dev").unlink()
    (venv / ".demo").unlink()
    assert "install -c constraints.txt" in make("-n", f"VENV={venv}", target)


def make(*arguments: str) -> str:
    # An outer make must not hand down its flags and variables.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", f"PYTHON={sys.executable}", *arguments],
        capture_output=True,
        check=True,
        text=True,
        env=environment,
    ).stdout
