"""The HTML page: only its own script runs, nothing is loaded, every figure is in the JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from diag.report.charts.palette import ORDER, SURE
from diag.report.formats import FORMATS, RenderOptions
from diag.report.html.lane_charts import lane_shares
from diag.report.html.layout import chapters_of
from diag.report.html.level_charts import column_peaks
from diag.report.interval_series import interval_series
from diag.report.model import Note, Page, Report, Section
from tests.golden.test_reports import CASES
from tests.golden.test_reports import make_report as sample_report
from tests.unit.report.factory import make_analysis, make_report, make_requests
from tests.unit.report.rendering import (
    HOSTILE_NAMES,
    OWN_FIGURES,
    figures,
    is_printable,
    json_of,
    shown_forms,
)
from tests.unit.report.test_series import make_gaps

VOID = {"meta", "rect", "path", "line", "circle", "link", "br", "img", "input"}
SIZE_MAX = 3_000_000


@dataclass
class Read(HTMLParser):
    """The page's elements, and its text outside of style sheet and scripts.

    Attributes:
        scripts: Type and text of each; "" for one that runs.
    """

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    style: str = ""
    scripts: list[tuple[str, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        elif self.open and self.open[-1] == "script":
            self.scripts.append((self.tags[-1][1].get("type") or "", data))
        elif not self.is_tick:
            self.pieces.append(data)

    @property
    def is_tick(self) -> bool:
        """Inside a number of an axis, which is none of the report."""
        class_ = self.tags[-1][1].get("class") or "" if self.open[-1:] == ["text"] else ""
        return "tick" in class_.split()

    @property
    def text(self) -> str:
        return "\n".join(self.pieces)


def html_of(page: Page, *, verbose: bool = False) -> str:
    return FORMATS["html"].render(page, RenderOptions(verbose=verbose))


def read(page: Page, *, verbose: bool = False) -> Read:
    found = Read()
    found.feed(html_of(page, verbose=verbose))
    assert found.open == []
    return found


def runs(found: Read) -> list[str]:
    return [text for type_, text in found.scripts if not type_]


def strings(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for each in node.items() for part in each for text in strings(part)]
    if isinstance(node, list):
        return [text for each in node for text in strings(each)]
    return [node] if isinstance(node, str) else []


def hostile_report(name: str) -> Report:
    analysis = make_analysis()
    requests = replace(analysis.requests, models=(name,))
    models = tuple(replace(each, model=name) for each in analysis.models)
    tails = tuple(replace(each, model=name) for each in analysis.tails)
    capture = replace(analysis.capture, name=name)
    return make_report(
        replace(analysis, requests=requests, models=models, tails=tails, capture=capture)
    )


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_only_text(name):
    page = hostile_report(name)
    found, plain = read(page, verbose=True), read(make_report(), verbose=True)
    assert {tag for tag, _ in found.tags} == {tag for tag, _ in plain.tags}
    assert not {tag for tag, _ in found.tags} & {"iframe", "object", "embed", "base"}
    assert runs(found) == runs(plain)
    assert {type_ for type_, _ in found.scripts} == {"", "application/json"}
    (data,) = [text for type_, text in found.scripts if type_]
    assert not set(data) & set("<>&")
    assert is_printable("".join(strings(json.loads(data))))
    for _, attributes in found.tags:
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "style")]
        assert (attributes.get("href") or "#").startswith("#")
    assert is_printable(found.text)
    assert "m" * 101 not in found.text


def test_a_name_is_shown_as_it_is():
    assert "<b>&amp;" in read(hostile_report("a<b>&amp;c")).text


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("kind", ["report", "without a timeline"])
def test_nothing_is_loaded_and_only_the_pages_own_style_and_scripts_are_allowed(kind):
    page: Page = make_report()
    if kind != "report":
        page = msgspec.structs.replace(page, sections=page.sections[:2])
    found = read(page)
    assert [len(runs(found)), len(found.scripts)] == ([2, 3] if kind == "report" else [1, 1])
    (policy,) = [
        attributes["content"]
        for _, attributes in found.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    scripts = " ".join(map(digest, runs(found)))
    assert policy.startswith(
        f"default-src 'none'; script-src {scripts}; style-src {digest(found.style)}; "
    )
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r"url\((.*?)\)", html_of(page))) <= {
        f"#h-{name}" for name in ("wait", "ingress", "pool", "hand2", "unk")
    }
    assert "@import" not in found.style
    assert not re.search(r"\beval\(|new Function|innerHTML|\bfetch\(", "".join(runs(found)))


@pytest.mark.parametrize("case", CASES)
def test_the_timelines_data_are_those_of_the_report(case):
    report = sample_report(case)
    (text,) = [text for type_, text in read(report).scripts if type_]
    data = json.loads(text)
    series = {each.id: each for each in report.section("timeline").series}
    assert len(data["lanes"]) == sum(name.startswith("intervals.") for name in series)
    for lane in data["lanes"]:
        intervals = series[f"intervals.{lane['name']}"].values
        start_ns = np.cumsum(lane["start"])
        assert start_ns.tolist() == list(intervals["start_ns"])
        assert (start_ns + lane["length"]).tolist() == list(intervals["end_ns"])
        assert [data["states"][index] for index in lane["state"]] == list(intervals["state"])
        times = [t or length for t, length in zip(lane["time"], lane["length"], strict=True)]
        assert times == list(intervals["time_ns"])
        sure = [level or "high" for level in intervals["confidence"]]
        assert [data["confidences"][index] for index in lane["sure"]] == sure
    assert (not data["levels"]) == case.startswith("loop-")  # iterations wait in no queue
    for levels in data["levels"]:
        assert np.cumsum(levels["time"]).tolist() == list(series["in_flight"].values["time_ns"])
        assert levels["queued"] == list(series["in_flight"].values["queued"])
    (spans,) = data["spans"]
    requests = series["requests" if data["levels"] else "iterations"].values
    assert np.cumsum(spans["start"]).tolist() == list(requests["start_ns"])
    assert np.sum(spans["times"], axis=0).tolist() == spans["length"]
    for batches in data["batches"]:
        assert batches["rows"] == list(series["batch_spans"].values["rows"])
    for samples in data["samples"]:
        (each,) = [s for s in series.values() if s.title == samples["title"]]
        assert samples["value"] == list(each.values["value"])


@pytest.mark.parametrize("case", CASES)
def test_every_figure_is_in_the_json_report(case):
    report = sample_report(case)
    document = json.loads(json_of(report))
    known = shown_forms(document) | OWN_FIGURES
    known |= {str(n) for n in range(1, len(report.findings) + 1)}  # the numbers of the cards
    sentences = figures(" ".join(note.text for s in report.sections for note in s.notes))
    known |= set(sentences) | set(figures(json.dumps(document["verdict"], ensure_ascii=False)))
    known |= {f for each in report.findings for f in figures(each.what)}
    known |= {str(n) for n in range(1, 17)}  # rows of batches that none had
    found = read(report, verbose=True)
    assert len(figures(found.text)) > 100
    assert sorted(set(figures(found.text)) - known) == []


@pytest.mark.parametrize("case", CASES)
def test_every_sentence_of_the_report_is_in_the_page(case):
    report = sample_report(case)
    text = re.sub(r"\s+", " ", "".join(read(report).pieces))
    change = {"change", "alternatives", "other_findings"} if report.findings else set()
    missing = [
        note.text
        for section in report.sections
        if section.id not in {"verdict", *change}
        for note in section.notes
        if re.sub(r"\s+", " ", note.text.replace("`", "")) not in text.replace("`", "")
    ]
    assert missing == []
    for finding in report.findings:
        for remedy in finding.remedies:
            assert remedy.action.replace("`", "") in text
        assert finding.rollback.replace("`", "") in text


def test_a_section_of_an_unknown_topic_is_shown_as_it_is():
    report = make_report()
    section = Section("not_known_here", "A new topic", notes=(Note("Said by nobody else."),))
    page = msgspec.structs.replace(report, sections=(*report.sections, section))
    assert section in [s for c in chapters_of(page) if c.anchor == "more" for s in c.sections]
    assert "Said by nobody else." in read(page).text


def test_bars_of_a_request_fill_their_share_of_the_longest():
    report = make_report(replace(make_analysis(), requests=make_requests(n=200)))
    bars = re.findall(r'<svg class="bar".*?</svg>', html_of(report), re.S)
    assert bars
    widths = [sum(map(float, re.findall(r'<rect [^>]*width="([\d.]+)%"', bar))) for bar in bars]
    assert widths[0] == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("rows_max", [10**9, 100])
def test_a_lane_shows_the_exact_share_of_busy_time(rows_max):
    timeline, gaps = make_gaps(500)
    series = interval_series(timeline, gaps, np.ones(500, np.bool_), rows_max)
    shares = lane_shares(series, 77)
    assert shares.shape == (77, len(ORDER), len(SURE))
    busy = shares[:, ORDER.index("busy")].sum(axis=1).mean() * timeline.window.duration_ns
    assert busy == pytest.approx(timeline.busy_ns, rel=1e-9)
    assert float(shares.sum(axis=(1, 2)).max()) <= 1 + 1e-9


def test_a_page_of_many_intervals_is_small():
    assert len(html_of(sample_report("demo-slow-preprocess"), verbose=True)) < SIZE_MAX / 8


def test_a_column_of_a_level_is_as_high_as_its_greatest_value():
    times, values = np.array([10.0, 35.0, 36.0, 80.0]), np.array([1.0, 5.0, 2.0, 0.0])
    peaks = column_peaks(times, values, 100.0, 10)
    assert peaks.tolist() == [0, 1, 1, 5, 2, 2, 2, 2, 0, 0]


def test_a_fixed_timeline_has_levels_and_samples():
    page = html_of(sample_report("demo-slow-preprocess"))
    assert "Requests in the server and in batch queues: at most 1 at once" in page
    assert "host CPU: at most 100%" in page
