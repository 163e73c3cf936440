"""Jira's markup and Slack's mrkdwn: names of a server are only text, tables stay tables."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from diag.model.printable import printable
from diag.report.formats import FORMATS, RenderOptions
from diag.report.formats.jira import escaped
from diag.report.ticket import LINES_MAX, build_ticket
from tests.unit.report.factory import make_report
from tests.unit.report.rendering import HOSTILE_NAMES, is_printable, markdown_of
from tests.unit.report.test_html import hostile_report

ZERO_WIDTH = "\N{ZERO WIDTH SPACE}"
# What acts in Jira unless a backslash stands before it.
JIRA_ACTIVE = re.compile(r"(?<!\\)(?:[{}\[\]|!@]|--|(?m:^(?:h[1-6]|bq)\.))")
TRACKER_NAMES = HOSTILE_NAMES | {
    "mention": "[~admin] @here <!channel> <@U012AB3CD>",
    "link": "[click|http://e.vil] http://e.vil <http://e.vil|bank>",
    "macro": "{html}<b>{html}{color:red}x{color}",
    "image": "!http://e.vil/x.png!",
    "heading": "h1. Urgent",
    "quote": "bq. said",
    "emoji": "(!) :smile: (x) :)",
    "fence": "```\nrm -rf\n```",
    "effects": "*bold* _italic_ ~struck~ -gone- +more+ ^up^ ??cite??",
    "break": "a\\\\b \\",
}


def drawn(format_: str, name: str) -> str:
    return FORMATS[format_].render(hostile_report(name), RenderOptions(verbose=True))


@pytest.mark.parametrize("name", TRACKER_NAMES.values(), ids=TRACKER_NAMES)
def test_a_name_adds_nothing_that_acts_in_jira(name):
    hostile, plain = drawn("jira", name), drawn("jira", "plain")
    assert Counter(JIRA_ACTIVE.findall(hostile)) == Counter(JIRA_ACTIVE.findall(plain))
    assert "://" not in hostile
    assert is_printable(hostile)
    rows = [line for line in hostile.splitlines() if line.startswith("|")]
    assert len(rows) == len([line for line in plain.splitlines() if line.startswith("|")])


@pytest.mark.parametrize("name", TRACKER_NAMES.values(), ids=TRACKER_NAMES)
def test_a_name_adds_nothing_that_acts_in_slack(name):
    hostile, plain = drawn("slack", name), drawn("slack", "plain")
    assert "<" not in hostile
    assert ">" not in hostile.replace("&gt;", "")
    assert hostile.count("```") == plain.count("```")
    assert not re.search(r":[\w+'-]*[a-z][\w+'-]*:", hostile)
    assert is_printable(hostile.replace(ZERO_WIDTH, ""))


def test_an_escaped_name_reads_as_it_is():
    for name in (
        "a|b",
        "{code}",
        "[x]",
        "snake_case_name",
        "model:1",
        "dense/MatMul",
        "a-b",
        "1.5",
    ):
        assert re.sub(r"\\(?=\W|_)", "", escaped(name)) == printable(name)
    assert escaped("snake_case_name") == "snake_case_name"
    assert escaped("a\\b&c") == "a&bsol;b&amp;c"


def test_names_in_backticks_are_code():
    jira, slack = (FORMATS[f].render(make_report(), RenderOptions()) for f in ("jira", "slack"))
    assert "{{" in jira or "`" not in markdown_of(make_report())
    assert slack.count("`") % 2 == 0


def test_a_table_of_jira_has_no_empty_cell():
    table = [line for line in drawn("jira", "x").splitlines() if line.startswith("|")]
    assert table
    assert [line for line in table if not line.startswith("||") and "||" in line] == []


@pytest.mark.parametrize("name", TRACKER_NAMES.values(), ids=TRACKER_NAMES)
def test_a_ticket_is_short_whatever_the_names(name):
    page = build_ticket(hostile_report(name), "The whole report is attached.")
    text = FORMATS["markdown"].render(page, RenderOptions())
    assert len(text.splitlines()) <= LINES_MAX
    assert text.endswith("\nThe whole report is attached.\n")


def test_a_ticket_has_the_largest_stages_and_says_what_is_left_out():
    page = build_ticket(make_report())
    (ledger,) = [section for section in page.sections if section.id == "ledger"]
    rows = ledger.tables[0].rows
    shares = [row["share"] for row in rows]
    assert rows[0]["stage"] == "request"
    assert shares[1:] == sorted(shares[1:], reverse=True)
    assert {"queueing", "batching"}.isdisjoint({row["stage"] for row in rows})
    limits = next(section for section in make_report().sections if section.id == "doubts")
    assert len(limits.notes) <= 4  # so nothing is left out of this report
