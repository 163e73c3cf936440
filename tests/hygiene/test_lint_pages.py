"""Every rule of diag lint has a page, and the numbers on the pages are those of the code."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from diag.linting import rules
from diag.linting.problem import ALSO_FOUND_IN_CAPTURES
from diag.linting.rules import LINT_IDS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = DOCS / "lint"
OWN = sorted(set(LINT_IDS) - ALSO_FOUND_IN_CAPTURES)
HEADINGS = ["What it means", "What to change", "When it is wrong"]


def test_every_rule_has_a_page_and_every_page_a_rule():
    assert sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "index") == OWN
    for rule in ALSO_FOUND_IN_CAPTURES:
        assert rule in LINT_IDS
        assert (DOCS / "findings" / f"{rule}.md").is_file()


@pytest.mark.parametrize("rule", OWN)
def test_a_page_has_its_sentence_and_all_headings(rule):
    text = (PAGES / f"{rule}.md").read_text()
    title, _, rest = text.partition("\n\n")
    assert title == f"# {rule}"
    assert re.fullmatch(r"[A-Z`a-z].+\.", rest.partition("\n\n")[0], re.S)
    assert re.findall(r"^## (.+)$", rest, re.M) == HEADINGS


def test_the_index_lists_every_rule():
    rows = re.findall(
        r"^\| \[([\w-]+)\]\(([\w./-]+)\) \| .+ \|$", (PAGES / "index.md").read_text(), re.M
    )
    assert [name for name, _ in rows] == sorted(LINT_IDS)
    for name, target in rows:
        assert (PAGES / target).resolve().stem == name


def test_numbers_on_pages_are_the_codes():
    modules = [
        importlib.import_module(f"{rules.__name__}.{each.name}")
        for each in pkgutil.iter_modules(rules.__path__)
    ]
    named = [
        (name, value)
        for path in PAGES.glob("*.md")
        for name, value in re.findall(
            r"`([A-Z_]{6,})` = ([\d.]+)", " ".join(path.read_text().split())
        )
    ]
    assert len(named) >= 4
    for name, value in named:
        (module,) = [each for each in modules if hasattr(each, name)]
        assert float(value.rstrip(".")) == getattr(module, name)
