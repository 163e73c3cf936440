"""Text, Markdown and JSON: readable, harmless, and of the same numbers."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diag.model.availability import Unavailable
from diag.model.caveat import recorded_caveat
from diag.model.quantity import duration, milliseconds, number, percent, quantity
from diag.report.build import build_report
from diag.report.json import published_schema, render_json, report_schema
from diag.report.markdown import render_markdown
from diag.report.report import Report
from diag.report.text import render_text
from tests.unit.report.factory import (
    make_analysis,
    make_capture,
    make_rich_capture,
    make_verdict,
)

HOSTILE_NAMES = {
    "script": "</script><script>alert(1)</script>",
    "table": "a|b`c`<b>&amp;",
    "ansi": "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "markup": "[red]x[/red] [link=http://e.vil]y[/link] :smile:",
    "lines": "a\nb\r\nc\u2028d\x0b",
    "bidi": "abc\u202edcb\u200b\u2066",
    "surrogate": "mod\udce8le",
    "long": "m" * 10_000,
    "formula": '=cmd|"/C calc"!A1',
    "list": "1. item\n# head\n- - -",
}
CONTROL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def make_report(name: str = "convnet", key: str = "4f3a0001") -> Report:
    analysis = make_analysis(name, make_rich_capture(name), key)
    analysis = replace(analysis, caveats=(recorded_caveat("names", f"About {name}."),))
    return build_report(analysis, make_verdict(f"Requests of {name} wait."))


def is_printable(text: str) -> bool:
    return not any(unicodedata.category(c) in CONTROL for c in text.replace("\n", ""))


def test_the_verdict_comes_first_then_caveats_then_numbers():
    lines = render_text(make_report(), color=False, width=100).splitlines()
    assert lines[0] == "Requests of convnet wait."
    order = [
        "change:",
        "verify:",
        "because:",
        "Caveats",
        "Capture",
        "Where",
        "Idle",
    ]
    starts = [next(i for i, line in enumerate(lines) if line.startswith(w)) for w in order]
    assert starts == sorted(starts)


def test_no_caveat_is_said_so():
    analysis = replace(make_analysis(), caveats=())
    text = render_text(build_report(analysis, make_verdict()), color=False, width=80)
    assert "Caveats\nnone\n" in text


@pytest.mark.parametrize("width", [80, 120])
def test_text_keeps_within_the_width_and_is_plain_without_colour(width):
    text = render_text(make_report(), color=False, width=width)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= width
    assert all(line == line.rstrip() for line in text.splitlines())


def test_on_a_narrow_screen_tables_overflow_and_no_number_is_cut():
    report = make_report()
    narrow = render_text(report, color=False, width=40)
    assert sorted(figures(narrow)) == sorted(figures(render_text(report, color=False, width=160)))


def test_numbers_are_whole_at_80_columns():
    text = render_text(make_report(), color=False, width=80)
    row = next(line for line in text.splitlines() if line.startswith("queueing: queue-fill"))
    assert row.split()[2:] == ["66.7%", "8.00", "8.00", "n/a", "n/a", "0"]


def test_colour_changes_nothing_but_colour():
    plain = render_text(make_report(), color=False, width=80)
    colored = render_text(make_report(), color=True, width=80)
    assert "\x1b[" in colored
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


def test_unknown_is_shown_as_not_available_and_zero_stages_are_folded():
    text = render_text(make_report(), color=False, width=100)
    row = next(line for line in text.splitlines() if line.startswith("preprocessing"))
    assert row.split()[1:] == ["n/a"] * 6
    assert "0 in every request: queue-thread, queue-dispatch" in text


def test_requests_that_cannot_be_seen_are_not_said_to_be_none():
    analysis = make_analysis()
    why = Unavailable("tracer level 1 records no unbatched request")
    counts = replace(analysis.counts, requests=why, complete=why)
    report = build_report(replace(analysis, counts=counts, models=()), make_verdict())
    text = render_text(report, color=False, width=120)
    assert "requests:   n/a (tracer level 1 records no unbatched request)" in text


def test_markdown_of_a_typical_capture_fits_a_ticket():
    report = build_report(make_analysis(), make_verdict())
    assert len(render_markdown(report).splitlines()) <= 60


def test_markdown_tables_have_as_many_cells_in_every_row():
    markdown = render_markdown(make_report("a|b", "x|y"))
    tables = re.findall(r"(?:^\|.*\n)+", markdown, re.M)
    assert len(tables) == 3
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_only_text_on_a_terminal(name):
    text = render_text(make_report(name, name), color=False, width=80)
    assert is_printable(text)
    assert len(text) < 30_000
    benign = render_text(make_report("x" * len(name), "y"), color=False, width=80)
    assert text.count("\nhint:") == benign.count("\nhint:") == 0


def test_rich_markup_in_names_is_shown_not_obeyed():
    text = render_text(make_report("[red]x[/red]"), color=True, width=120)
    assert "[red]x[/red]" in text


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_only_text_in_markdown(name):
    markdown = render_markdown(make_report(name, name))
    assert is_printable(markdown)
    assert not re.search(r"(?<!\\)<", markdown)
    assert not re.search(r"(?<!\\)`", markdown)
    assert "](" not in markdown.replace("\\](", "")
    assert "://" not in markdown
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert [line for line in headings if not line.startswith("## ")] == []
    assert len(headings) == 6


@pytest.mark.parametrize("name", [*HOSTILE_NAMES.values(), "a_b_ *c* ~~d~~ ![e](f)"])
def test_hostile_names_make_no_elements_in_rendered_markdown(name):
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    html = parser.render(render_markdown(make_report(name, name)))
    benign = parser.render(render_markdown(make_report()))
    elements = set(re.findall(r"<(\w+)", html))
    assert elements == set(re.findall(r"<(\w+)", benign))
    assert elements == {
        "p",
        "strong",
        "h2",
        "ul",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert html.count("<td") == benign.count("<td")
    assert html.count("<li") == benign.count("<li")


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_whole_and_harmless_in_json(name):
    text = render_json(make_report(name))
    assert is_printable(text)
    assert "</" not in text
    expected = name.encode("utf-8", "backslashreplace").decode()
    assert json.loads(text)["models"][0]["model"] == expected


@settings(max_examples=25)
@given(name=st.text(st.characters(exclude_categories=[]), max_size=80))
def test_any_name_goes_through_every_renderer(name):
    report = make_report(name, name)
    assert is_printable(render_text(report, color=False, width=80))
    assert is_printable(render_markdown(report))
    jsonschema.validate(json.loads(render_json(report)), json.loads(published_schema()))


def test_the_published_schema_is_the_one_the_code_implies():
    assert published_schema() == report_schema(), "run: python -m tests.golden.update"


def test_the_schema_is_valid_and_refuses_what_a_report_is_not():
    schema = json.loads(published_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(render_json(make_report()))
    jsonschema.validate(document, schema)
    for broken in (
        {**document, "schema_version": "2"},
        {**document, "surprise": 1},
        {key: value for key, value in document.items() if key != "verdict"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_json_is_strict_and_reads_back_as_the_same_report():
    report = make_report()
    text = render_json(report)
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert msgspec.json.decode(text, type=Report) == report


# A figure: digits with an optional sign, point, separators and "<", not inside a word or a date.
FIGURE = re.compile(r"(?<![\w.:#-])[<>]?-?\d+(?:,\d{3})*(?:\.\d+)?(?![\w:.]|-\d)")


def figures(text: str) -> list[str]:
    return FIGURE.findall(text)


def shown_forms(node: object) -> set[str]:
    """Every way in which display can show a number of the JSON document."""
    forms: set[str] = set()
    if isinstance(node, dict):
        for value in node.values():
            forms |= shown_forms(value)
    elif isinstance(node, list):
        for value in node:
            forms |= shown_forms(value)
    elif isinstance(node, str):
        forms |= set(figures(node))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        shown = [milliseconds(node), duration(node), percent(node), number(node)]
        shown += [quantity(float(node), unit) for unit in ("", "ms", "bytes", "ratio")]
        forms |= {figure for text in shown for figure in figures(text)}
    return forms


# Of diag's own words, not of the capture: the tail's definition, a request's share of itself.
OWN_FIGURES = {"1", "10", "0", "100.0"}


@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_every_figure_shown_is_in_the_json(kind):
    report = make_report()
    if kind == "text":
        page = render_text(report, color=False, width=120)
    else:
        page = render_markdown(report).replace("\\", "")
    found = figures(page)
    assert len(found) > 60
    known = shown_forms(json.loads(render_json(report))) | OWN_FIGURES
    assert [figure for figure in found if figure not in known] == []


def test_text_and_markdown_show_the_same_figures():
    report = make_report()
    text = render_text(report, color=False, width=160)
    markdown = render_markdown(report).replace("\\", "")
    assert sorted(figures(text)) == sorted(figures(markdown))


def test_a_capture_without_anything_in_it_still_makes_a_page():
    analysis = make_analysis(capture=make_capture())
    empty = replace(analysis, models=(), queues=(), idle=(), timelines=(), ops=(), pool_waits=())
    report = build_report(empty, make_verdict("No request was recorded."))
    assert render_text(report, color=False, width=80).startswith("No request was recorded.")
    assert render_markdown(report).startswith("**No request was recorded.**")
    jsonschema.validate(json.loads(render_json(report)), json.loads(published_schema()))
