"""Values in a notebook: one line as repr, escaped HTML, and no error on comparing or hashing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from diag.analysis import analyze
from diag.findings import find
from diag.formats.source import open_bundle
from diag.model.notebook import html_table
from diag.report.build import build_report
from tests.conftest import sample_path
from tests.unit.report.factory import make_analysis, make_capture, make_rich_capture
from tests.unit.report.gpu_factory import make_gpu_analysis
from tests.unit.report.test_renderers import HOSTILE_NAMES
from tests.unit.tables.test_table import Tags

REPR_MAX_CHARACTERS = 300


def values_in(value: object) -> Iterator[object]:
    """Every dataclass that can be reached from a value, itself included."""
    if isinstance(value, tuple):
        for item in value:
            yield from values_in(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for each in dataclasses.fields(value):
            yield from values_in(getattr(value, each.name))


@pytest.fixture(name="analysis", scope="module")
def _analysis():
    return analyze(open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip"))


def test_everything_in_an_analysis_can_be_compared_and_hashed(analysis):
    rich = make_analysis(capture=make_rich_capture())
    values = [*values_in(analysis), *values_in(make_gpu_analysis()), *values_in(rich)]
    values += values_in(find(analysis))
    kinds = {type(value).__name__ for value in values}
    assert {"Analysis", "Capture", "SampleSeries", "Finding", "GapSummary", "Plane"} <= kinds
    for value in values:
        assert value == value
        assert (value == object()) is False
        hash(value)


def test_an_equal_series_is_equal_and_has_an_equal_hash():
    one, two = (make_rich_capture().host_samples for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != replace(one, samples=())


def test_the_repr_of_a_capture_and_of_an_analysis_is_one_short_line(analysis):
    assert repr(analysis.capture) == "Capture('bundle.zip', 4.000 s, 28,361 events)"
    assert repr(analysis) == "Analysis('bundle.zip', 126 requests, 126 batches, 0 GPUs)"
    for finding in find(analysis):
        assert len(repr(finding)) < REPR_MAX_CHARACTERS
        assert repr(finding).startswith(f"Finding({finding.id!r}, ")


def test_html_of_an_analysis_has_its_models_and_its_devices(analysis):
    page = Tags(analysis._repr_html_())
    (model,) = analysis.models
    assert model.model in page.text
    assert "p99" in page.text
    assert "cpu-execution" in page.text
    assert page.tags.count("table") == 2


def test_html_of_a_finding_has_its_evidence_its_change_and_its_check(analysis):
    finding = find(analysis)[0]
    page = Tags(finding._repr_html_())
    assert finding.what in page.text
    assert finding.evidence[0].name in page.text
    assert finding.remedies[0].action in page.text
    assert finding.verify[0].metric in page.text
    assert finding.docs in page.text


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_a_hostile_name_adds_no_element_to_the_html(name, analysis):
    plain, hostile = (Tags(make_gpu_analysis(model)._repr_html_()) for model in ("m", name))
    assert hostile.tags == plain.tags
    finding = find(analysis)[0]
    hostile = replace(finding, what=name, rollback=name, confidence_reason=name)
    assert Tags(hostile._repr_html_()).tags == Tags(finding._repr_html_()).tags
    capture = replace(make_capture(), name=name)
    assert "\n" not in repr(capture)
    assert "\x1b" not in repr(capture)


def test_a_report_shows_its_verdict_and_its_findings(analysis):
    report = build_report(analysis)
    page = Tags(report._repr_html_())
    assert report.verdict.sentence in page.text
    assert report.findings[0].what in page.text
    hostile = "</td><script>"
    changed = msgspec.structs.replace(report, title=hostile)
    assert Tags(changed._repr_html_()).tags == page.tags
    assert report == report
    assert len({report, report}) == 1


def test_text_is_escaped_wherever_it_is_in_a_table():
    page = html_table("<b>", ("<i>",), [("<u>",)], note="<s>")
    assert Tags(page).tags == ["table", "caption", "thead", "tr", "th", "tbody", "tr", "td", "p"]
    assert Tags(page).text.replace("\n", "") == "<b><i><u><s>"
