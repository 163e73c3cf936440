"""Parts of the HTML page: links into the timeline, slices, bars, terms, pipelines, comparisons."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import diag
from diag.formats.trace.capture import capture_from_trace
from diag.model.gaps import IDLE_CAUSES
from diag.model.loops import LOOP_STAGES
from diag.model.serving import STAGES, CloseReason
from diag.report.build import build_report
from diag.report.charts.palette import is_colored
from diag.report.formats import FORMATS, RenderOptions
from diag.report.html.charts import tapes
from diag.report.html.links import span_of
from diag.report.html.pipeline import pipeline_stages
from diag.report.html.terms import MEANINGS, term_of, terms_of
from diag.report.percentile_series import rows_series
from diag.report.window_slices import SLICES, slice_table
from tests.conftest import sample_path
from tests.unit.analysis.loops.programs import analyzed_program, dataset
from tests.unit.report.factory import MS, make_analysis, make_report, make_requests
from tests.unit.report.gpu_factory import make_gpu_analysis

RECORDINGS = Path(__file__).parents[2] / "recordings"


@pytest.mark.parametrize(
    ("row", "span"),
    [
        ({"offset_ns": 5 * MS, "idle_ns": MS}, "5.0000-6.0000"),
        ({"slice_ns": 0, "length_ns": 2 * MS}, "0.0000-2.0000"),
        ({"start_ns": 5 * MS, "duration_ns": MS}, "3.0000-4.0000"),  # since the trace began
        ({"start_ns": MS, "duration_ns": MS}, ""),  # before the window
        ({"start_ns": 5 * MS}, ""),
        ({"cause": "preprocess", "idle_ns": MS}, ""),
    ],
)
def test_a_row_leads_to_its_span_of_the_window(row, span):
    assert span_of(row, 2 * MS) == span


@pytest.mark.parametrize("make", [make_analysis, make_gpu_analysis])
def test_slices_cover_the_window_and_add_up(make):
    analysis = make()
    rows = slice_table(analysis).rows
    assert len(rows) == SLICES * len(analysis.timelines)
    for row in rows:
        parts = [row[key] for key in ("busy", "starved", "other", "no_demand")]
        assert sum(parts) == pytest.approx(1)
        assert min(parts) >= 0
    for summary in analysis.idle:
        mine = [row for row in rows if row["timeline"] == summary.timeline.name]
        starved = sum(row["starved"] * row["length_ns"] for row in mine)
        assert starved == pytest.approx(summary.starved_ns, rel=1e-6)
        assert sum(row["length_ns"] for row in mine) == 100 * MS
    first = analysis.timelines[0].name
    ended = [row for row in rows if row["timeline"] == first]
    assert sum(row["ended"] for row in ended) == len(analysis.requests)
    assert {row["mean_ns"] for row in ended if row["ended"]} == {12.0 * MS}


def test_bars_by_rows_are_of_the_requests_of_such_batches():
    analysis = make_analysis()
    requests = make_requests(n=40)  # batches of 4 and of 3 rows in turn
    requests = replace(
        requests,
        batch_offsets=np.arange(41, dtype=np.int64),
        batch_index=(np.arange(40) % 2).astype(np.int32),
    )
    series = rows_series(replace(analysis, requests=requests), "convnet")
    counts = dict(zip(series.values["band"], series.values["requests"], strict=True))
    assert counts == {"batch of 3 rows": 19, "batch of 4 rows": 20}  # one is incomplete
    for band in counts:
        times = [
            ns
            for name, ns in zip(series.values["band"], series.values["mean_ns"], strict=True)
            if name == band
        ]
        assert sum(times) == pytest.approx(12 * MS)
    one_size = replace(requests, batch_index=np.zeros(40, np.int32))
    assert rows_series(replace(analysis, requests=one_size), "convnet") is None


def test_many_sizes_of_batches_share_bars_by_powers_of_two():
    analysis = make_analysis()
    batches = analysis.batches
    rows = np.arange(1, 10, dtype=np.int64)
    batches = replace(batches, rows=rows, padded_rows=np.full(9, -1, np.int64))
    requests = make_requests(n=9)
    requests = replace(
        requests,
        complete=np.ones(9, np.bool_),
        batch_offsets=np.arange(10, dtype=np.int64),
        batch_index=np.arange(9, dtype=np.int32),
    )
    series = rows_series(replace(analysis, requests=requests, batches=batches), "convnet")
    counts = dict(zip(series.values["band"], series.values["requests"], strict=True))
    assert counts == {
        "batch of 1 row": 1,
        "batch of 2 rows": 1,
        "batch of 3 to 4 rows": 2,
        "batch of 5 to 8 rows": 4,
        "batch of 9 to 16 rows": 1,
    }


def test_every_stage_and_cause_has_a_meaning_and_a_colour():
    names = {each.value for each in (*STAGES, *IDLE_CAUSES, *LOOP_STAGES)} | {"busy"}
    names |= {each.value for each in CloseReason}
    assert set(MEANINGS) == names
    assert [name for name in names if not is_colored(name)] == []


def test_terms_are_those_that_the_page_shows():
    shown = {term.name for term in terms_of(make_report())}
    assert {"queue-fill", "no-demand", "busy", "percentiles"} <= shown
    assert not {"tracing", "throttled", "at least, at most"} & shown


@pytest.mark.parametrize("make", [make_report, lambda: make_report(make_gpu_analysis())])
def test_every_name_that_opens_a_definition_has_one(make):
    page = FORMATS["html"].render(make(), RenderOptions(verbose=True))
    opened = re.findall(r'popovertarget="d-([a-z-]+)">([a-z-]+)</button>', page)
    assert {"queue-fill", "compute", "no-demand"} <= {name for name, _ in opened}
    assert [each for each in opened if each[0] != each[1]] == []
    defined = dict(re.findall(r'<div popover id="d-([a-z-]+)".*?<p>(.*?)</p>', page))
    assert {name for name, _ in opened} <= set(defined)
    assert defined["queue-fill"] == MEANINGS["queue-fill"]


def test_a_name_of_a_users_own_is_no_term():
    assert term_of({"model": "compute", "stage": "compute"}, "stage") == "compute"
    assert term_of({"model": "compute"}, "model") == ""
    assert term_of({"stage": "MapAndBatch"}, "stage") == ""


def test_a_pipeline_goes_from_its_source_to_the_loop_and_names_the_stage_that_decides():
    report = build_report(analyzed_program(dataset(10, 3000)))
    boxes = pipeline_stages(report.table("pipeline_stages"))
    assert [box.kind for box in boxes] == ["TensorSlice", "MapAndBatch", "Prefetch"]
    assert [box.kind for box in boxes if box.decides] == ["MapAndBatch"]
    assert "its function 3.00 ms" in boxes[1].lines


def test_a_program_without_requests_has_a_tape_of_busy_and_idle_time():
    packed = RECORDINGS / "versions" / "keras-predict-tf2.15.1.xplane.pb.gz"
    space = gzip.decompress(packed.read_bytes())
    report = build_report(diag.analyze(capture_from_trace("trace", space, "trace")))
    assert "idle_overview" not in {section.id for section in report.sections}
    (tape,) = [each for each in tapes(report) if "over the window" in each.caption]
    assert [part.name for part in tape.key] == ["busy", "idle"]
    assert sum(part.share for part in tape.key) == pytest.approx(1)
    assert "</html>" in FORMATS["html"].render(report, RenderOptions())


def test_both_sides_of_a_comparison_share_their_axes():
    bundle = diag.open_bundle(sample_path("demo-slow-preprocess") / "bundle.zip")
    before = diag.analyze(bundle)
    after = diag.analyze(
        diag.open_bundle(
            sample_path("batch-timeout") / "server.xplane.pb",
            batching_parameters=sample_path("batch-timeout") / "batching_parameters.txt",
        )
    )
    report = diag.build_comparison(diag.compare([before], [after]))
    page = FORMATS["html"].render(report, RenderOptions())
    rows = report.sections[1].tables[0].rows
    assert rows[0]["metric"] == "latency.mean"
    most = max(row[side] for row in rows if row["unit"] == "ns" for side in ("before", "after"))
    pair = re.search(r'aria-label="mean latency: .*?<rect .*?width="(.*?)%".*?width="(.*?)%"', page)
    assert pair is not None
    assert float(pair[1]) == pytest.approx(100 * rows[0]["before"] / most, abs=0.01)
    assert float(pair[2]) == pytest.approx(100 * rows[0]["after"] / most, abs=0.01)
