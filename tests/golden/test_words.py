"""What diag says, as reviewed: a changed word shows up as a changed line of words.txt."""

from __future__ import annotations

import re

import pytest

from diag.findings.rules import RULE_IDS
from tests.golden.words import GOLDEN, ROOT, all_words, rule_words

PAGES = ROOT / "docs" / "findings"

# What an operator should not have to read (each was in a report once).
FORBIDDEN = {
    r"\bin vain\b": "say what happens",
    r"\bnobody\b": "say who or what is meant",
    r"\bis told\b|\bnot told\b": "known, given",
    r"\bbeside\b": "next to, or name the relation",
    r"\bknob\b": "setting",
    r"\baside\b": "say where",
    r"\blegitimate\b": "allowed",
    r"\bleaves? no slack\b": "at capacity",
    r"\bstood idle\b": "was idle",
    r"\bdid? not sure\b|\bso sure\b": "samples and trace disagree",
    r"\bis no (?!\w+ than\b)(?:file|folder|time|size|number|such)\b": "is not a …",
    r"\bfor want of\b": "because … is missing",
    r"\bseen whole\b": "complete",
    r"\bturn\b.*\bknob\b": "change a setting",
}


def test_the_words_are_the_reviewed_ones() -> None:
    assert all_words() == GOLDEN.read_text(), "review with: python -m tests.golden.update; git diff"


@pytest.mark.parametrize("rule", RULE_IDS)
def test_the_page_of_a_rule_has_its_phrases(rule: str) -> None:
    page = (PAGES / f"{rule}.md").read_text()
    assert page.endswith(f"\n\n{rule_words(rule)}"), "review with: python -m tests.golden.update"


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_riddles_stay_out(pattern: str) -> None:
    everything = all_words() + "".join(rule_words(rule) for rule in RULE_IDS)
    lines = [line for line in everything.splitlines() if re.search(pattern, line)]
    assert lines == [], FORBIDDEN[pattern]
