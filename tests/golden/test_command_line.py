"""The words of the command line are reviewed as words: any change shows in these files."""

from __future__ import annotations

from pathlib import Path

from tests.golden.typed_lines import FOLDER, error_text, help_text, prepare


def test_help_pages_are_as_reviewed() -> None:
    assert help_text() == (FOLDER / "help.txt").read_text()


def test_errors_are_as_reviewed(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert error_text(tmp_path) == (FOLDER / "errors.txt").read_text()
