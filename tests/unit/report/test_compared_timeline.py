"""Both sides of a comparison as timelines on the same axes."""

from __future__ import annotations

import json
import re

import pytest

import diag
from diag.report.formats import FORMATS, RenderOptions
from diag.report.html.charts import chapter_charts
from diag.report.html.frame import frame_of
from diag.report.html.layout import chapters_of
from tests.conftest import sample_path


@pytest.fixture(name="sides", scope="module")
def _sides():
    """Recordings of 4 s and of 3 s."""
    before = diag.open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip")
    after = diag.open_bundle(
        sample_path("batch-timeout") / "server.xplane.pb",
        batching_parameters=sample_path("batch-timeout") / "batching_parameters.txt",
    )
    return diag.analyze(before), diag.analyze(after)


@pytest.fixture(name="report", scope="module")
def _report(sides):
    before, after = sides
    return diag.build_comparison(diag.compare([before], [after]))


def test_each_side_has_a_timeline_from_the_begin_of_its_window(report, sides):
    sections = [each for each in report.sections if each.id == "timeline"]
    assert [each.subject for each in sections] == ["before", "after"]
    for section, analysis in zip(sections, sides, strict=True):
        (lane,) = (each for each in section.series if each.kind == "intervals")
        assert lane.values["start_ns"][0] == 0
        assert lane.values["end_ns"][-1] == analysis.capture.window.duration_ns


def test_the_axes_hold_both_sides(report, sides):
    frame = frame_of(report)
    windows = [each.capture.window.duration_ns for each in sides]
    assert frame.window_ns == max(windows) > min(windows)
    peaks = [
        max(series.values["in_flight"])
        for section in report.sections
        for series in section.series
        if series.id == "in_flight"
    ]
    assert frame.most["in_flight"] == max(peaks) > min(peaks)


def test_the_fixed_lanes_stand_below_each_other_and_the_shorter_ends_where_it_ends(report, sides):
    (chapter,) = (each for each in chapters_of(report) if each.anchor == "timeline")
    charts = list(chapter_charts(chapter, frame_of(report)))
    assert [each.caption.partition(":")[0] for each in charts[:4]] == ["before", "after"] * 2
    longer, shorter = charts[0].drawing, charts[1].drawing
    assert "unrecorded" not in longer
    (begin,) = re.findall(r'class="unrecorded" x="([\d.]+)"', shorter)
    windows = [each.capture.window.duration_ns for each in sides]
    assert float(begin) == pytest.approx(400 * windows[1] / windows[0], abs=0.01)


def test_the_page_can_zoom_both(report):
    page = FORMATS["html"].render(report, RenderOptions())
    (text,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)
    data = json.loads(text)
    assert [lane["name"] for lane in data["lanes"]] == [
        "before: cpu-execution",
        "after: cpu-execution",
    ]
    for name in ("levels", "batches", "spans"):
        assert [each["side"] for each in data[name]] == ["before", "after"]
    assert len({each["most"] for each in data["levels"]}) == 1
    assert page.count('id="tl"') == 1


def test_loops_without_a_lane_are_shown_for_as_long_as_they_were_recorded():
    names = ("loop-naive", "loop-pool")
    sides = [diag.analyze(diag.open_bundle(sample_path(name) / "bundle.zip")) for name in names]
    report = diag.build_comparison(diag.compare(sides[:1], sides[1:]))
    assert frame_of(report).window_ns == max(each.capture.window.duration_ns for each in sides)
    page = FORMATS["html"].render(report, RenderOptions())
    (text,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)
    data = json.loads(text)
    assert [each["side"] for each in data["spans"]] == ["before", "after"]
    titles = [each["title"] for each in data["samples"] if "host CPU" in each["title"]]
    assert titles == ["before: host CPU", "after: host CPU"]
    where = [each["title"] for each in data["samples"]]
    assert where.index(titles[1]) == where.index(titles[0]) + 1


def test_formats_without_charts_leave_the_timelines_out(report):
    text = FORMATS["text"].render(report, RenderOptions())
    assert "Timeline" not in text
