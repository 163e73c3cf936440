"""Text, Markdown, JSON and CSV: readable, harmless, and of the same numbers."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diag.model.availability import Unavailable
from diag.model.caveat import recorded_caveat
from diag.report.build import build_report
from diag.report.formats._json_document import published_schema, report_schema
from diag.report.model import Report
from tests.unit.report import factory
from tests.unit.report.factory import make_analysis, make_capture, make_rich_capture
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

LOWER = (
    "Lower batch_timeout_micros 10000 → 2000 for convnet. Where: batching_parameters_file "
    "(for all models), then restart the server."
)
VERIFY = (
    "Capture again under the same load: queue-fill p50 falls to 2.50 ms or less (now 8.00 ms); "
    "busy time of the device must be 40.0% to 90.0%."
)


def make_report(name: str = "convnet", key: str = "4f3a0001") -> Report:
    analysis = make_analysis(name, make_rich_capture(name), key)
    analysis = replace(analysis, caveats=(recorded_caveat("names", f"About {name}."),))
    return factory.make_report(analysis, name=name)


def test_the_order_is_that_of_a_reader_in_a_hurry():
    lines = text_of(make_report(), verbose=True).splitlines()
    assert lines[0] == "convnet · convnet · 2023-11-14 22:13:20.000 UTC · 100 ms"
    assert lines[2].startswith("Requests take 12.0 ms on average")
    order = [
        "Requests take",
        "confidence:",
        "change:",
        "gain:",
        "risk:",
        "verify:",
        "rollback:",
        "Other ways to change it",
        "Also found",
        "Limits of this analysis",
        "Requests",
        "Where the time of convnet goes",
        "Idle time of model execution",
        "Batches",
        "Other measurements",
        "Host ops",
        "Waiting for threads",
        "Latency around the capture",
        "Capture",
        "Evidence",
    ]
    starts = [next(i for i, line in enumerate(lines) if line.startswith(w)) for w in order[:9]]
    starts += [lines.index(next(x for x in lines if x.startswith(w) and x)) for w in order[11:]]
    assert starts == sorted(starts)


def test_no_caveat_is_said_so():
    text = text_of(factory.make_report(replace(make_analysis(), caveats=())))
    assert "Limits of this analysis\nNone.\n" in text


def test_details_are_shown_on_request_only():
    text, details = text_of(make_report()), text_of(make_report(), verbose=True)
    for heading in ("Host ops", "Waiting for threads", "Latency around", "Capture\n", "Evidence"):
        assert heading not in text
        assert heading in details
    assert "queue-thread" not in text
    assert "  queue-thread" in details


@pytest.mark.parametrize("width", [80, 120])
def test_text_keeps_within_the_width_and_is_plain_without_colour(width):
    text = text_of(make_report(), width=width)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= width
    assert all(line == line.rstrip() for line in text.splitlines())


def test_on_a_narrow_screen_tables_overflow_and_no_number_is_cut():
    report = make_report()
    assert sorted(figures(text_of(report, width=40))) == sorted(figures(text_of(report, width=160)))


def test_numbers_are_whole_at_80_columns():
    text = text_of(make_report(), width=80)
    row = next(line for line in text.splitlines() if line.startswith("queue-fill"))
    assert row.split()[1:] == ["66.7%", "8.00", "8.00", "n/a", "n/a", "0"]


def test_colour_changes_nothing_but_colour():
    plain = text_of(make_report(), width=80)
    colored = text_of(make_report(), width=80, color=True)
    assert "\x1b[" in colored
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


def test_unknown_is_shown_as_not_available_and_why():
    text = text_of(make_report())
    row = next(line for line in text.splitlines() if line.startswith("preprocess"))
    assert row.split()[1:] == ["n/a"] * 6
    assert "n/a: no event of the trace marks preprocess;" in text


def test_requests_that_cannot_be_seen_are_not_said_to_be_none():
    analysis = make_analysis()
    why = Unavailable("tracer level 1 records no {unbatched} request")
    counts = replace(analysis.counts, requests=why, complete=why)
    report = factory.make_report(replace(analysis, counts=counts, models=()))
    assert f"Requests\nn/a: {why.reason}. 4 failed" in text_of(report, width=160)


NAMED = "\\[batch-timeout-dominates\\]"


def test_the_summary_is_the_begin_of_the_report_and_a_ticket_by_itself():
    report = make_report()
    summary = markdown_of(report, summary=True)
    assert markdown_of(report).startswith(summary)
    assert summary.splitlines() == [
        "# convnet · convnet · 2023-11-14 22:13:20.000 UTC · 100 ms",
        "",
        f"{report.verdict.latency} **{report.verdict.what}** {report.verdict.device}",
        "",
        f"- **confidence:** high that this is the cause. 3 requests of convnet {NAMED}",
        f"- **change:** {LOWER}",
        "- **gain:** mean latency 12.0 ms → 4.50 to 6.00 ms. Waits cut to 2 ms.",
        "- **risk:** Batches get smaller.",
        f"- **verify:** {VERIFY}",
        "- **rollback:** Set batch_timeout_micros back to 10000.",
    ]


def test_names_in_backticks_are_code_and_other_backticks_text():
    finding = replace(
        factory.make_finding(), what="Ops (`DecodeJpeg` and `a/b c`) of `x``y` wait `$(z)` long."
    )
    report = build_report(make_analysis(), (finding,))
    (line,) = [line for line in markdown_of(report, summary=True).splitlines() if "Ops" in line]
    assert "**Ops (`DecodeJpeg` and `a/b c`) of \\`x\\`\\`y\\` wait \\`\\$(z)\\` long.**" in line


def test_only_the_sentence_of_the_finding_is_bold():
    report = make_report()
    (lead,) = [note for note in report.section("verdict").notes if note.style == "lead"]
    assert (lead.text, lead.strong) == (report.verdict.sentence, report.verdict.what)
    text = text_of(report, color=True, width=400)
    assert f"\x1b[1m{report.verdict.what}\x1b[0m" in text
    assert text_of(report).endswith(
        "\n\nFindings, named in [brackets], are explained in docs/findings/, stages, causes and "
        "columns in\ndocs/attribution.md, limits in docs/caveats.md.\n"
    )


def test_markdown_of_a_typical_capture_fits_a_ticket():
    assert len(markdown_of(factory.make_report(n=1)).splitlines()) <= 60


def test_markdown_tables_have_as_many_cells_in_every_row():
    markdown = markdown_of(make_report("a|b", "x|y"), verbose=True)
    tables = re.findall(r"(?:^\|.*\n)+", markdown, re.M)
    assert len(tables) > 10
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_only_text_on_a_terminal(name, verbose):
    text = text_of(make_report(name, name), width=80, verbose=verbose)
    assert is_printable(text)
    assert len(text) < 40_000
    benign = text_of(make_report("x" * len(name), "y"), width=80, verbose=verbose)
    for label in ("\nhint:", "\nchange:", "\nverify:", "\nLimits"):
        assert text.count(label) == benign.count(label)


def test_rich_markup_in_names_is_shown_not_obeyed():
    text = text_of(make_report("[red]x[/red]"), color=True, width=120)
    assert "[red]x[/red]" in text


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_only_text_in_markdown(name, verbose):
    markdown = markdown_of(make_report(name, name), verbose=verbose)
    assert is_printable(markdown)
    assert not re.search(r"(?<!\\)<", markdown)
    assert not re.search(r"(?<!\\)`", markdown)
    assert "](" not in markdown.replace("\\](", "")
    assert "://" not in markdown
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert [line for line in headings[1:] if not line.startswith("## ")] == []
    benign = markdown_of(make_report(), verbose=verbose)
    assert len(headings) == benign.count("\n## ") + 1


@pytest.mark.parametrize("name", [*HOSTILE_NAMES.values(), "a_b_ *c* ~~d~~ ![e](f)"])
def test_hostile_names_make_no_elements_in_rendered_markdown(name):
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    html = parser.render(markdown_of(make_report(name, name), verbose=True))
    benign = parser.render(markdown_of(make_report(), verbose=True))
    elements = set(re.findall(r"<(\w+)", html))
    assert elements == set(re.findall(r"<(\w+)", benign))
    assert elements == {
        "p",
        "strong",
        "h1",
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
    text = json_of(make_report(name))
    assert is_printable(text)
    assert "</" not in text
    expected = name.encode("utf-8", "backslashreplace").decode()
    document = json.loads(text)
    assert document["server"]["models"] == [expected]
    assert [s["subject"] for s in document["sections"] if s["id"] == "ledger"] == [expected]


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_no_formulas_and_no_rows_in_csv(name):
    text = csv_of(make_report(name, name))
    assert is_printable(text)
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == len(list(csv.reader(io.StringIO(csv_of(make_report())))))
    assert {len(row) for row in rows} == {9}
    texts = [cell for row in rows for cell in row if not re.fullmatch(r"-?[\d.e+-]+", cell)]
    assert [cell for cell in texts if cell[:1] in "=+-@" and cell] == []


@settings(max_examples=25)
@given(name=st.text(st.characters(exclude_categories=[]), max_size=80))
def test_any_name_goes_through_every_renderer(name):
    report = make_report(name, name)
    assert is_printable(text_of(report, width=80, verbose=True))
    assert is_printable(markdown_of(report, verbose=True))
    assert is_printable(csv_of(report))
    jsonschema.validate(json.loads(json_of(report)), json.loads(published_schema()))


def test_csv_has_every_cell_of_every_table_once():
    report = make_report()
    rows = list(csv.DictReader(io.StringIO(csv_of(report))))
    tables = [table for section in report.sections for table in section.tables]
    assert len(rows) == sum(len(row) for table in tables for row in table.rows)
    (fill,) = [r for r in rows if r["name"] == "queue-fill" and r["column"] == "mean_ns"]
    assert fill == {
        "section": "ledger",
        "subject": "convnet",
        "table": "ledger",
        "row": fill["row"],
        "name": "queue-fill",
        "column": "mean_ns",
        "value": "8000000.0",
        "unit": "ns",
        "reason": "",
    }
    (unknown,) = [r for r in rows if r["name"] == "queue-fill" and r["column"] == "p99_ns"]
    assert (unknown["value"], unknown["reason"]) == ("", "p99 needs 100 requests; there are 3")


def test_the_published_schema_is_the_one_the_code_implies():
    assert published_schema() == report_schema(), "run: python -m tests.golden.update"


def test_the_schema_is_valid_and_refuses_what_a_report_is_not():
    schema = json.loads(published_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(json_of(make_report()))
    jsonschema.validate(document, schema)
    for broken in (
        {**document, "schema_version": "1"},
        {**document, "surprise": 1},
        {key: value for key, value in document.items() if key != "verdict"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_json_is_strict_and_reads_back_as_the_same_report():
    report = make_report()
    text = json_of(report)
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert msgspec.json.decode(text, type=Report) == report


def test_a_row_of_a_table_is_one_line_of_json():
    lines = json_of(make_report()).splitlines()
    (line,) = [line for line in lines if '"stage": "queue-fill"' in line and "p50_ns" in line]
    assert json.loads(line.rstrip(","))["mean_ns"] == 8_000_000
    assert len(lines) < 2_000


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_every_figure_shown_is_in_the_json(kind, verbose):
    report = make_report()
    if kind == "text":
        page = text_of(report, width=120, verbose=verbose)
    else:
        page = markdown_of(report, verbose=verbose).replace("\\", "")
    found = figures(page)
    assert len(found) > 60
    known = shown_forms(json.loads(json_of(report))) | OWN_FIGURES
    assert [figure for figure in found if figure not in known] == []


@pytest.mark.parametrize("verbose", [False, True])
def test_text_and_markdown_show_the_same_figures(verbose):
    report = make_report()
    text = text_of(report, width=160, verbose=verbose)
    markdown = markdown_of(report, verbose=verbose).replace("\\", "")
    assert sorted(figures(text)) == sorted(figures(markdown))


def test_a_capture_without_anything_in_it_still_makes_a_page():
    analysis = make_analysis(capture=make_capture())
    empty = replace(analysis, models=(), queues=(), idle=(), timelines=(), ops=(), pool_waits=())
    report = factory.make_report(empty)
    assert text_of(report, width=80).startswith("trace server.xplane.pb · convnet · ")
    assert markdown_of(report).startswith("# trace server.xplane.pb · convnet · ")
    jsonschema.validate(json.loads(json_of(report)), json.loads(published_schema()))
