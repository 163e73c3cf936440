"""Every finding has a page with the same headings, and the numbers and metrics on it exist."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from diag.analysis import analyze
from diag.findings import thresholds
from diag.findings.metrics import measure, unit_of
from diag.findings.not_serving import ID as NOT_SERVING
from diag.findings.rules import RULE_IDS
from diag.findings.verdict import HEALTHY
from diag.findings.without_requests import NO_REQUESTS, NOT_RECORDED
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.finding import Tier

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "findings"
IDS = sorted([*RULE_IDS, NOT_RECORDED, NO_REQUESTS, NOT_SERVING])
HEADINGS = [
    "What it means",
    "Evidence",
    "What to change",
    "How to verify",
    "How to roll back",
    "When it is wrong",
]
FAMILIES = (
    "latency.",
    "stage.",
    "idle.",
    "device.",
    "batches.",
    "samples.",
    "requests.",
    "clients.",
    "loop.",
)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text()


def metrics_in(text: str) -> list[str]:
    return [span for span in re.findall(r"`([^`\n]+)`", text) if span.startswith(FAMILIES)]


def test_every_finding_has_a_page_and_every_page_a_finding():
    assert len(IDS) == len(set(IDS)) >= 24
    assert sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "index") == IDS


@pytest.mark.parametrize("finding", IDS)
def test_a_page_has_its_sentence_and_all_headings_in_order(finding):
    title, _, rest = page(finding).partition("\n\n")
    assert title == f"# {finding}"
    sentence = rest.partition("\n\n")[0]
    assert re.fullmatch(r"[A-Z].+\.", sentence, re.S)
    assert re.findall(r"^## (.+)$", rest, re.M) == HEADINGS
    empty = [part for part in re.split(r"^## .+$", rest, flags=re.M) if not part.strip()]
    assert empty == []


def test_the_index_explains_healthy_and_has_an_example_of_each_tier():
    rows = re.findall(r"^\| ([a-z ]+) \| (\d) \|.*\[([\w-]+)\]\(\3\.md\) \|$", page("index"), re.M)
    tiers = {tier.name.lower().replace("_", " "): str(int(tier)) for tier in Tier}
    assert {name: order for name, order, _ in rows} == tiers
    assert {example for _, _, example in rows} <= set(IDS)
    assert f"`{HEALTHY}`" in page("index")
    assert "(findings/index.md)" in (ROOT / "docs" / "index.md").read_text()


@pytest.fixture(scope="module", name="analysis")
def _analysis():
    """A capture with requests, batches and idle time, in which a metric's whole name is read."""
    return analyze(open_bundle(ROOT / "sample_traces" / "in-graph-batching" / "server.xplane.pb"))


@pytest.mark.parametrize("name", [*IDS, "index"])
def test_every_metric_on_a_page_is_known(name, analysis):
    for metric in metrics_in(page(name)):
        assert unit_of(metric)
        assert isinstance(measure(analysis, metric), int | float | Unavailable)


def test_a_metric_that_does_not_exist_would_be_noticed(analysis):
    for metric in metrics_in("`stage.queue-lunch.p50`, `idle.lunch`, `device.free`, `latency.p42`"):
        with pytest.raises(KeyError):
            measure(analysis, metric)


@pytest.mark.parametrize("finding", [i for i in IDS if i not in ("no-demand", "metrics-mislead")])
def test_a_page_names_the_metrics_that_verify_the_change(finding):
    section = page(finding).partition("## How to verify")[2].partition("\n## ")[0]
    assert metrics_in(section)


@pytest.mark.parametrize("name", [*IDS, "index"])
def test_a_threshold_on_a_page_has_the_value_of_the_code(name):
    text = page(name)
    stated = dict(re.findall(r"`([A-Z][A-Z_]+)`\s+=\s+([\d./]*\d)", text))
    wrong = {key: n for key, n in stated.items() if getattr(thresholds, key) != float(Fraction(n))}
    assert wrong == {}
    named = {key for key in vars(thresholds) if key.isupper() and f"`{key}`" in text}
    assert named == set(stated)
