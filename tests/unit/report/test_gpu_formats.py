"""Reports of GPUs in each format: within the width, harmless, and of the same numbers."""

from __future__ import annotations

import json

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diag.report.formats._json_document import published_schema
from diag.report.model import Report
from tests.unit.report import factory
from tests.unit.report.gpu_factory import (
    make_gpu_analysis,
)
from tests.unit.report.rendering import (
    HOSTILE_NAMES,
    OWN_FIGURES,
    csv_of,
    figures,
    is_printable,
    json_of,
    markdown_of,
    shown_forms,
    text_of,
)


def make_report(name: str = "convnet", devices: int = 1) -> Report:
    return factory.make_report(make_gpu_analysis(name, devices))


@pytest.mark.parametrize("devices", [1, 3])
@pytest.mark.parametrize("width", [80, 120])
def test_gpus_keep_within_the_width(devices, width):
    text = text_of(make_report(devices=devices), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_colour_is_left_out_where_it_is_not_wanted():
    assert "\x1b" not in text_of(make_report())
    assert "\x1b[" in text_of(make_report(), color=True)


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_every_figure_shown_is_in_the_json(kind, verbose):
    report = make_report()
    if kind == "text":
        page = text_of(report, verbose=verbose)
    else:
        page = markdown_of(report, verbose=verbose).replace("\\", "")
    known = shown_forms(json.loads(json_of(report))) | OWN_FIGURES
    assert len(figures(page)) > 120
    assert [figure for figure in figures(page) if figure not in known] == []


@pytest.mark.parametrize("verbose", [False, True])
def test_text_and_markdown_show_the_same_figures(verbose):
    report = make_report()
    markdown = markdown_of(report, verbose=verbose).replace("\\", "")
    text = text_of(report, width=160, verbose=verbose)
    assert sorted(figures(text)) == sorted(figures(markdown))


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_only_text(name, verbose):
    report = make_report(name)
    text = text_of(report, width=80, verbose=verbose)
    assert is_printable(text)
    assert len(text) < 60_000
    markdown = markdown_of(report, verbose=verbose)
    assert is_printable(markdown)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    html = parser.render(markdown)
    benign = parser.render(markdown_of(make_report(), verbose=verbose))
    for element in ("<td", "<li", "<h2", "<script", "<a ", "<img", "<code"):
        assert html.count(element) == benign.count(element)
    assert is_printable(csv_of(report))


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_whole_and_harmless_in_json(name):
    report = make_report(name)
    text = json_of(report)
    assert is_printable(text)
    assert "</" not in text
    expected = name.encode("utf-8", "backslashreplace").decode()
    document = json.loads(text)
    tables = {table["id"]: table for each in document["sections"] for table in each["tables"]}
    assert tables["kernels"]["rows"][0]["name"] == expected
    assert tables["devices"]["rows"][0]["device"] == expected
    jsonschema.validate(document, json.loads(published_schema()))


@settings(max_examples=25)
@given(name=st.text(st.characters(exclude_categories=[]), min_size=1, max_size=80))
def test_any_name_goes_through_every_renderer(name):
    report = make_report(name)
    assert is_printable(text_of(report, width=80, verbose=True))
    assert is_printable(markdown_of(report, verbose=True))
    jsonschema.validate(json.loads(json_of(report)), json.loads(published_schema()))


def test_json_reads_back_as_the_same_report():
    report = make_report(devices=2)
    assert msgspec.json.decode(json_of(report), type=Report) == report
