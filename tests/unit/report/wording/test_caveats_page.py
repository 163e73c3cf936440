"""docs/caveats.md has every caveat, with the results it limits and the names of its facts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import diag
from diag.model.caveat import Limit, recorded_caveat
from diag.model.serving import Conflict
from diag.report.wording.caveats import SENTENCES
from tests.unit.report.wording.test_caveats import CASES

PAGE = (Path(__file__).parents[4] / "docs" / "caveats.md").read_text("utf-8")
ROWS = {
    match[1]: [cell.strip() for cell in match[2].split("|")]
    for match in re.finditer(r"^\| `([a-z0-9-]+)` \|(.*)\|$", PAGE, re.MULTILINE)
}
SAMPLED = ("sampled_sources", "sampled_devices", "busy_ratios", "is_of_window", "cupti_access")
RECORDED = re.compile(r"CaveatRecord\(\s*f?\"([a-z{}-]+)\"")


def recorded_codes() -> set[str]:
    """Codes of the caveats that a capture records, by its source code."""
    found: set[str] = set()
    for path in (Path(diag.__file__).parent / "capture").rglob("*.py"):
        found |= set(RECORDED.findall(path.read_text("utf-8")))
    assert "no-{source}" in found
    sources = {"host", "gpu", "dcgm", "metrics", "server"}
    return found - {"no-{source}"} | {f"no-{source}" for source in sources}


def test_the_page_has_every_caveat_and_no_other() -> None:
    assert set(ROWS) == set(SENTENCES) | recorded_codes()


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_the_page_names_the_facts(code: str) -> None:
    named = set(re.findall(r"`([a-z_]+)`", ROWS[code][2]))
    if code == "gpu-planes-empty":
        named |= set(SAMPLED)
    assert named == {name for case, facts, _ in CASES if case == code for name, _ in facts}


def test_the_page_explains_every_contradiction() -> None:
    explained = re.findall(r"^- `([a-z-]+)`: ", PAGE, re.MULTILINE)
    assert explained == [conflict.value for conflict in Conflict]


@pytest.mark.parametrize("code", sorted(ROWS))
def test_the_page_names_results_that_a_caveat_can_limit(code: str) -> None:
    limits = [each for each in ROWS[code][0].split(", ") if each]
    assert set(limits) <= {limit.value for limit in Limit}
    if code not in SENTENCES:
        assert limits == [limit.value for limit in recorded_caveat(code, "").limits]
