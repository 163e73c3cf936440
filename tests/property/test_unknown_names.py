"""Planes, lines and events of any name are analysed, and nothing is claimed of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.formats.trace import event_names as ev
from diag.formats.trace.capture import capture_from_trace
from diag.model.availability import Unavailable
from diag.report.build import build_report
from diag.report.rendering import render
from diag.testing.space_builder import SpaceBuilder

PARTS = ("ProcessBatch", "Session", "Execute", "Iterator::", "Function(", "Stream #", "$a.py:1 f")
NAMES = st.one_of(
    st.text(max_size=6),
    st.tuples(st.sampled_from(PARTS), st.text(max_size=3)).map("".join),
    st.sampled_from(
        ["train_function", "PjitFunction(f)", "TfrtCpuExecutable::Execute", "a:MatMul"]
    ),
).filter(lambda name: name not in (*ev.SERVING_EVENTS, ev.TFRT_MODEL_RUN))
PLANES = st.one_of(
    st.sampled_from([ev.HOST_PLANE, "/device:GPU:0", "/device:GPU:1", "/device:TPU:0", "#Chip0#"]),
    st.text(max_size=6),
)
TIMES = st.tuples(st.integers(0, 10**9), st.integers(0, 10**8))
IDS = st.dictionaries(
    st.sampled_from(["_p", "_c", "id", "correlation_id", "kernel_details"]), st.integers(0, 4)
)
EVENTS = st.lists(st.tuples(NAMES, TIMES, IDS), max_size=4)
Lines = list[tuple[str, int, list[tuple[str, tuple[int, int], dict[str, int]]]]]
LINES = st.lists(st.tuples(NAMES, st.integers(0, 10**9), EVENTS), max_size=3)


@given(st.lists(st.tuples(PLANES, LINES), max_size=4))
def test_unknown_names_are_no_requests_and_no_starvation(
    planes: list[tuple[str, Lines]],
) -> None:
    space = SpaceBuilder()
    space.environment({"profile_start_time": 1_700_000_000_000_000_000})
    for name, lines in planes:
        plane = space.plane(name)
        for line_name, origin_ns, events in lines:
            line = plane.line(line_name, timestamp_ns=origin_ns)
            for event, (start_ns, length_ns), stats in events:
                line.event(event, start_ns, start_ns + length_ns, stats)
    analysis = analyze(capture_from_trace("trace", space.build(), "trace"))
    counts = analysis.counts
    assert isinstance(counts.requests, Unavailable) or counts.requests == 0
    for gaps in analysis.idle:
        assert gaps.starved_ns == 0
        assert gaps.timeline.busy_ns + gaps.idle_ns == gaps.timeline.window.duration_ns
        if not analysis.program.may_serve:
            assert gaps.no_demand_ns == 0
    if analysis.program.is_foreign:
        assert counts.censored == counts.censored_batches == 0
    verdict = conclude(analysis, find(analysis))
    assert "spare capacity" not in verdict.sentence
    assert render(build_report(analysis), "text")
