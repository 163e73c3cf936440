"""Moments worth a look, and the addresses that lead to them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from diag.analysis.pipeline import analyze
from diag.findings import find
from diag.formats.source import open_bundle
from diag.model.serving import Stage
from diag.tensorboard.spots import spots_of
from diag.tensorboard.viewers import perfetto_address, trace_viewer_path
from tests.conftest import sample_path


def test_findings_idle_time_and_slow_requests_have_a_place_in_time() -> None:
    analysis = analyze(open_bundle(sample_path("batch-timeout")))
    findings = find(analysis)
    spots = spots_of(analysis, findings)
    kinds = [spot.kind for spot in spots]
    assert kinds == sorted(kinds, key=["finding", "idle", "request"].index)
    first = spots[0]
    assert first.text.startswith("batch-timeout-dominates: ")
    row = int(analysis.requests.stage_ns[:, Stage.QUEUE_FILL.index].argmax())
    assert (first.start_ns, first.end_ns) == (
        analysis.requests.start_ns[row],
        analysis.requests.end_ns[row],
    )
    slow = next(spot for spot in spots if spot.kind == "request")
    assert slow.end_ns - slow.start_ns == analysis.requests.duration_ns.max()
    window = analysis.capture.window
    assert all(window.start_ns <= spot.start_ns < spot.end_ns for spot in spots)


def test_the_trace_viewer_is_opened_at_the_span_with_a_margin() -> None:
    path = trace_viewer_path("logs/a b", "h&h", 10_000_000, 12_000_000, root="/tb")
    parts = urlsplit(path)
    assert parts.path == "/tb/data/plugin/profile/trace_viewer_index.html"
    query = parse_qs(parts.query)
    assert query["view_start"] == ["9.000000"]
    assert query["view_end"] == ["13.000000"]
    data = urlsplit(query["trace_data_url"][0])
    assert data.path == "/tb/data/plugin/profile/data"
    assert parse_qs(data.query) == {"run": ["logs/a b"], "tag": ["trace_viewer@"], "host": ["h&h"]}
    assert "view_start=0.000000&" in trace_viewer_path("r", "h", 5, 7)


def test_perfetto_selects_the_slice_itself() -> None:
    assert perfetto_address(5, 12) == (
        "https://ui.perfetto.dev/#!/?ts=5&dur=7&visStart=5&visEnd=12"
    )
