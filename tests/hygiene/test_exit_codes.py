"""Every error has an exit status, and the documented ones are all there are."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest

import diag
from diag import errors
from diag.cli.analysis import EXIT_ALL_FAILED
from diag.cli.boundary import EXIT_BUG, EXIT_INTERRUPTED
from diag.cli.commands import cli
from diag.errors import DiagError

DOCS = Path(__file__).parents[2] / "docs"
MEANINGS = {
    1: "LimitReachedError",
    2: "UsageError",
    3: "InputError",
    4: "CaptureError",
    5: "EmptyCaptureError",
}
MEANINGS |= {6: "RequiredSourceError", 7: "OutputError", 9: "TicketError"}


def subclasses(cls: type[DiagError]) -> list[type[DiagError]]:
    found = []
    for child in cls.__subclasses__():
        found += [child, *subclasses(child)]
    return found


def leaves() -> list[type[DiagError]]:
    return [cls for cls in subclasses(DiagError) if not cls.__subclasses__()]


def test_the_tree_is_not_empty_and_all_of_it_is_in_one_module():
    assert len(leaves()) >= 15
    assert {cls.__module__ for cls in subclasses(DiagError)} == {errors.__name__}


@pytest.mark.parametrize("cls", leaves(), ids=lambda cls: cls.__name__)
def test_every_error_has_the_status_of_its_kind(cls):
    assert cls.exit_code in MEANINGS
    kind = getattr(errors, MEANINGS[cls.exit_code])
    assert issubclass(cls, kind)


@pytest.mark.parametrize("cls", leaves(), ids=lambda cls: cls.__name__)
def test_every_error_is_documented_with_cause_and_fix(cls):
    text = (DOCS / "errors.md").read_text()
    section = re.search(rf"^### `{cls.__name__}`.*?(?=^##|\Z)", text, re.M | re.S)
    assert section is not None, f"docs/errors.md has no section on {cls.__name__}"
    assert "**Cause.**" in section[0]
    assert "**Fix.**" in section[0]
    assert f"exit {cls.exit_code}" in section[0].splitlines()[0]


def test_the_docs_name_no_error_that_does_not_exist():
    named = set(re.findall(r"^### `(\w+)`", (DOCS / "errors.md").read_text(), re.M))
    assert named == {cls.__name__ for cls in leaves()}


def test_the_tree_drawn_in_the_module_is_the_tree():
    drawn = dict(re.findall(r"─ (\w+Error)\s+(\d+)?", errors.__doc__ or ""))
    assert set(drawn) == {cls.__name__ for cls in subclasses(DiagError)}
    for cls in subclasses(DiagError):
        if drawn[cls.__name__]:
            assert int(drawn[cls.__name__]) == cls.exit_code


def test_every_module_of_the_library_can_be_imported_by_itself():
    names = [
        module.name
        for module in pkgutil.walk_packages(diag.__path__, "diag.")
        if not module.name.startswith(("diag.demo", "diag.__main__"))
    ]
    assert len(names) > 30
    for name in names:
        importlib.import_module(name)


def test_the_page_and_the_help_list_every_exit_status() -> None:
    statuses = {cls.exit_code for cls in leaves()} | {
        0,
        EXIT_ALL_FAILED,
        EXIT_BUG,
        EXIT_INTERRUPTED,
    }
    page = (DOCS / "exit-codes.md").read_text()
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)}
    assert listed == statuses | {1}  # reserved
    help_ = " ".join((cli.help or "").split())
    assert {int(code) for code in re.findall(r"[ ,](\d+) [a-z]", help_)} == statuses


def test_the_script_on_the_page_tells_statuses_apart(tmp_path: Path) -> None:
    page = (DOCS / "exit-codes.md").read_text()
    found = re.search(r"^    diag capture.*?^    esac$", page, re.M | re.S)
    assert found is not None
    script = found[0].replace("    diag", "    fake_diag", 1)
    for status, text in (
        (0, ""),
        (5, "no traffic in the window\n"),
        (8, "every request failed\n"),
        (4, ""),
    ):
        program = f"fake_diag() {{ return {status}; }}\n{script}\n"
        done = subprocess.run(
            ["bash", "-c", program], capture_output=True, check=False, cwd=tmp_path, text=True
        )
        assert (done.stdout, done.returncode) == (text, 1 if status == 4 else 0)
