"""The waterfall from p50 to p99, the slowest requests one by one, and t(b): exact, and as drawn."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from diag.model.availability import Unavailable
from diag.model.quantity import duration, milliseconds
from diag.model.serving import STAGES
from diag.report.charts.curve import tick_step
from diag.report.html.batch_charts import rows_histogram, time_by_rows
from diag.report.html.charts import section_charts
from diag.report.html.frame import frame_of
from diag.report.html.tail_charts import waterfall
from diag.report.tail_series import tail_series
from tests.golden.test_reports import make_report as sample_report
from tests.unit.report.factory import MS, make_report, make_requests
from tests.unit.report.gpu_factory import make_gpu_analysis
from tests.unit.report.test_series import series_of

STAGE = next(stage for stage in STAGES if stage.value == "preprocess")


def requests_with_a_tail(n=200):
    """Request k has k more µs of preprocessing than the first; all are complete."""
    table = make_requests(n=n)
    extra_ns = 1000 * np.arange(n, dtype=np.int64)
    stage_ns = table.stage_ns.copy()
    stage_ns[:, STAGE.index] += extra_ns
    return replace(
        table,
        stage_ns=stage_ns,
        end_ns=table.end_ns + extra_ns,
        complete=np.ones(n, np.bool_),
    )


def test_the_waterfall_goes_from_p50_to_p99_and_its_steps_add_up():
    series = tail_series(requests_with_a_tail(), "convnet")
    values = {key: series.values[key] for key in ("stage", "p50_ns", "p99_ns", "extra_ns")}
    assert values["stage"][0] == "preprocess"
    # Around p50: the 21 requests 89 to 109. Around p99: the three requests 196 to 198.
    assert values["extra_ns"][0] == pytest.approx(1000 * (197 - 99))
    assert set(values["extra_ns"][1:]) == {0.0}
    assert "the 21 requests of convnet around p50 to the 3 around p99" in series.title
    drawn = list(waterfall(series))
    assert [chart.caption for chart in drawn][:2] == ["around p50", "preprocess"]
    assert drawn[1].value == "+0.098 ms"
    ends = [re.search(r'x="([\d.]+)%" width="([\d.]+)%"', chart.drawing) for chart in drawn]
    p50, step, p99 = ([float(part) for part in ends[i].groups()] for i in (0, 1, -1))
    assert p50[0] == p99[0] == 0
    assert step[0] == pytest.approx(p50[1])
    assert step[0] + step[1] == pytest.approx(p99[1], abs=0.01) == pytest.approx(100)


def test_too_few_requests_have_no_waterfall():
    assert tail_series(requests_with_a_tail(99), "convnet") is None
    assert tail_series(requests_with_a_tail(100), "convnet") is not None


@pytest.mark.parametrize("case", ["batch-timeout", "demo-slow-preprocess", "padding"])
def test_the_steps_are_the_ledgers_column_tail(case):
    report = sample_report(case)
    (series,) = report.section("slow_requests").series
    steps = dict(zip(series.values["stage"], series.values["extra_ns"], strict=True))
    ledger = {row["stage"]: row["tail_ns"] for row in report.table("ledger").rows}
    assert sum(steps.values()) == pytest.approx(ledger["request"])
    assert {stage: ledger[stage] for stage in steps} == pytest.approx(steps)
    words = {chart.caption: chart.value for chart in waterfall(series)}
    for stage, extra_ns in steps.items():
        assert words[stage].lstrip("+") == f"{milliseconds(extra_ns)} ms"


def test_the_slowest_requests_lead_to_their_place_in_the_timeline():
    report = sample_report("demo-slow-preprocess")
    section = report.section("slow_requests")
    charts = [each for each in section_charts(section, frame_of(report)) if each.span]
    rows = section.tables[0].rows
    assert len(charts) == len(rows) == 10
    assert charts[0].heading == "The 10 slowest"
    for chart, row in zip(charts, rows, strict=True):
        begin, end = map(float, chart.span.split("-"))
        assert begin == pytest.approx(
            (row["start_ns"] - report.server.window_start_ns) / MS, abs=1e-4
        )
        assert end - begin == pytest.approx(row["duration_ns"] / MS, abs=1e-3)
        assert chart.value == duration(row["duration_ns"])


def test_the_time_of_a_batch_is_the_mean_of_its_size_beside_the_fitted_line():
    report = sample_report("padding")
    (series,) = (s for s in report.section("batches").series if s.id.startswith("batch_time."))
    facts = {f.key: f.value for n in report.section("batches").tables[0].notes for f in n.facts}
    rows = [
        dict(zip(series.values, each, strict=True))
        for each in zip(*series.values.values(), strict=True)
    ]
    assert [row["rows"] for row in rows] == sorted({row["rows"] for row in rows})
    for row in rows:
        assert row["fitted_ns"] == pytest.approx(
            facts["fixed_ns"] + facts["per_row_ns"] * row["rows"]
        )
    weights = np.array([row["runs"] for row in rows])
    rest = np.array([row["mean_ns"] - row["fitted_ns"] for row in rows])
    assert np.average(rest, weights=weights) == pytest.approx(0, abs=1)  # least squares


def test_the_curve_has_a_dot_for_each_size_and_the_line():
    (series,) = (
        s
        for s in sample_report("padding").section("batches").series
        if s.id.startswith("batch_time.")
    )
    (chart,) = time_by_rows(series)
    dots = re.findall(r'<circle class="seg c-busy" cx="([\d.]+)%" cy="([\d.]+)"', chart.drawing)
    assert len(dots) == len(series.values["rows"])
    across = [float(x) for x, _ in dots]
    widths = np.diff([6.0, *across])  # the axis begins at 6% of the width
    assert widths / np.diff([0, *series.values["rows"]]) == pytest.approx(
        88 / series.values["rows"][-1], abs=0.01
    )
    assert chart.drawing.count('class="fitted"') == 1


def test_runs_on_a_gpu_have_a_curve_too():
    series = series_of(make_report(make_gpu_analysis()), "device_time.convnet")
    assert series.columns[-1].key == "fitted_ns"
    assert len(list(time_by_rows(series))) == (len(series.values["rows"]) > 1)


def test_without_a_line_the_caption_says_so():
    (series,) = (
        s
        for s in sample_report("padding").section("batches").series
        if s.id.startswith("batch_time.")
    )
    unknown = (Unavailable("too alike"),) * len(series.values["rows"])
    drawn = type(series)(
        series.id,
        series.title,
        series.kind,
        series.columns,
        {**series.values, "fitted_ns": unknown},
    )
    (chart,) = time_by_rows(drawn)
    assert "no line could be fitted" in chart.caption
    assert "fitted" not in chart.drawing


@pytest.mark.parametrize(
    ("most", "step"), [(4.0, 1.0), (4.1, 2.0), (13e6, 5e6), (0.9, 0.5), (0, 1.0), (20e6, 5e6)]
)
def test_an_axis_has_at_most_four_round_steps(most, step):
    assert tick_step(most) == pytest.approx(step)


def test_batches_have_bars_up_to_a_full_one():
    report = sample_report("demo-slow-preprocess")  # all of one row, of at most eight
    (series,) = (s for s in report.section("batches").series if s.id.startswith("batch_rows."))
    bars = list(rows_histogram(series))
    assert [bar.caption for bar in bars] == ["1 row", *(f"{n} rows" for n in range(2, 9))]
    assert [bar.value for bar in bars[1:]] == ["0"] * 7
