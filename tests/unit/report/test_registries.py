"""A new format is one module, and so is a new topic."""

from __future__ import annotations

import subprocess
import sys

import pytest

from diag.report import topics
from diag.report.formats import (
    FORMATS,
    RenderOptions,
    ReportFormat,
    format_for,
    format_named,
    register,
)
from diag.report.model import Note, Report, Section
from tests.unit.report.factory import make_report
from tests.unit.report.rendering import text_of


def test_formats_are_found_by_name_alias_and_suffix():
    assert set(FORMATS) == {"text", "markdown", "json", "csv", "html", "jira", "slack"}
    assert format_named("md") is format_named("markdown") is format_for(".MD")
    assert format_for(".json") is FORMATS["json"]
    assert format_for(".xyz") is None
    with pytest.raises(KeyError):
        format_named("xyz")


def test_listing_the_formats_is_light():
    script = "import sys, diag.report.formats; print({'numpy', 'rich', 'grpc'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout == "set()\n"


def test_every_format_says_what_it_is_for():
    for format_ in FORMATS.values():
        assert format_.description
        assert format_.render(make_report(), RenderOptions()).endswith("\n")


def test_a_throw_away_format_in_one_file():
    def render_ids(report: Report, options: RenderOptions) -> str:
        shown = (s.id for s in report.sections if options.verbose or not s.is_detail)
        return " ".join(shown) + "\n"

    register(ReportFormat("ids", (".ids",), "section names", render_ids))
    try:
        ids = format_named("ids").render(make_report(), RenderOptions())
        assert ids.startswith("verdict change alternatives other_findings doubts ")
        assert format_for(".ids") is format_named("ids")
    finally:
        del FORMATS["ids"]


@pytest.mark.parametrize(("name", "suffix"), [("md", ".x"), ("text", ".x"), ("x", ".json")])
def test_a_name_or_suffix_that_is_taken_is_refused(name, suffix):
    with pytest.raises(ValueError, match="conflict"):
        register(ReportFormat(name, (suffix,), "", lambda *_: ""))


def test_a_throw_away_topic_in_one_file():
    make_report()  # all topics are loaded

    @topics.topic(order=250)
    def weather(inputs: topics.ReportInputs):
        yield Section(id="weather", title="Weather", notes=(Note(f"{inputs.verdict.id}: rain"),))

    try:
        text = text_of(make_report())
    finally:
        del topics.TOPICS[250]
    assert "\nWeather\nbatch-timeout-dominates: rain\n" in text
    assert text.index("rollback:") < text.index("Weather") < text.index("Also found")


def test_two_topics_cannot_have_one_place():
    make_report()
    with pytest.raises(ValueError, match="order 100"):
        topics.topic(order=100)(lambda _: ())
