"""Configurations as people commit them, with the problems that are in them.

Each folder of ``tests/corpus/lint`` is one case; its ``expected.txt`` has a line
``place severity rule`` for each problem, in order.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import diag
from diag.model.finding import Severity

CORPUS = Path(__file__).parents[2] / "corpus" / "lint"
CASES = sorted(path.name for path in CORPUS.iterdir())
EXPECTED = "expected.txt"


def check(case: str, monkeypatch: pytest.MonkeyPatch) -> diag.Lint:
    monkeypatch.chdir(CORPUS / case)
    return diag.lint(sorted(Path(p.name) for p in Path().iterdir() if p.name != EXPECTED))


@pytest.mark.parametrize("case", CASES)
def test_the_problems_are_these_and_stand_there(case, monkeypatch):
    found = check(case, monkeypatch)
    lines = [f"{p.place} {p.finding.severity.value} {p.finding.id}" for p in found.problems]
    assert lines == (CORPUS / case / EXPECTED).read_text().splitlines()


def test_the_corpus_is_large_and_has_good_files_too():
    expected = [(CORPUS / case / EXPECTED).read_text() for case in CASES]
    assert len(CASES) >= 60
    assert sum(not text for text in expected) >= 10
    for severity in Severity:
        assert any(f" {severity.value} " in text for text in expected)


@pytest.mark.parametrize("case", CASES)
def test_places_lie_within_the_files(case, monkeypatch):
    for problem in check(case, monkeypatch).problems:
        lines = Path(problem.place.path).read_text().split("\n")
        assert 1 <= problem.place.line <= len(lines)
        assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 1


@pytest.mark.parametrize("case", CASES)
def test_corrected_files_have_nothing_left_to_correct(case, monkeypatch, tmp_path):
    for name, text in diag.corrected_files(check(case, monkeypatch)).items():
        (tmp_path / name).write_text(text)
    again = diag.lint([tmp_path])
    left = {p.finding.id for p in again.problems}
    # A correction takes no decision: which model is served, or which port, is for people to say.
    assert left <= {
        "model-not-given",
        "batching-not-enabled",
        "splitting-without-effect",
        "base-path-is-version",
        "threads-not-limited",
        "flag-twice",
    }
    assert diag.corrected_files(again) == {}
