"""Stages add up, whatever the trace says, and depend on nothing but what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from diag.analysis import analyze
from diag.errors import DiagError
from diag.findings import conclude, find
from tests.property.serving_traces import Trace, rubbish, servers
from tests.unit.analysis.traces import analyzed, capture_of, tiles_exactly

if TYPE_CHECKING:
    from diag.analysis import Analysis

Row = tuple[object, ...]


def rows_of(analysis: Analysis, shift_ns: int = 0) -> list[Row]:
    """Requests as sorted tuples, free of indices and of the order of lines."""
    table, batches = analysis.requests, analysis.batches
    rows: list[Row] = []
    for i in range(len(table)):
        linked = table.batch_index[table.batch_offsets[i] : table.batch_offsets[i + 1]]
        rows.append(
            (
                int(table.start_ns[i]) - shift_ns,
                int(table.end_ns[i]) - shift_ns,
                int(table.rows[i]),
                table.models[table.model_index[i]],
                int(table.mode_index[i]),
                bool(table.complete[i]),
                tuple(sorted(int(batches.id[b]) for b in linked)),
                tuple(table.stage_ns[i].tolist()),
                tuple(table.stage_known[i].tolist()),
            )
        )
    return sorted(rows, key=repr)


def gaps_of(analysis: Analysis, shift_ns: int = 0) -> list[Row]:
    """Gaps as tuples, free of indices."""
    gaps = analysis.gaps
    return [
        (
            analysis.timelines[gaps.timeline_index[i]].name,
            int(gaps.start_ns[i]) - shift_ns,
            int(gaps.end_ns[i]) - shift_ns,
            int(gaps.cause_index[i]),
            int(gaps.waiting_requests[i]),
        )
        for i in range(len(gaps))
    ]


@given(servers())
def test_stages_of_plausible_servers_add_up(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    assert tiles_exactly(analysis)
    for summary in analysis.models:
        assert abs(sum(stage.share for stage in summary.stages) - 1) < 1e-9
    assert conclude(analysis, find(analysis)).sentence


@settings(max_examples=200)
@given(rubbish())
def test_rubbish_ends_in_exact_tables_or_in_an_error_of_ours(trace: Trace) -> None:
    try:
        analysis = analyzed(trace.text())
    except DiagError:
        return
    assert tiles_exactly(analysis)
    table = analysis.requests
    assert (table.batch_offsets[1:] >= table.batch_offsets[:-1]).all()
    assert (table.batch_index < len(analysis.batches)).all()
    assert conclude(analysis, find(analysis)).sentence


@given(servers(), st.booleans())
def test_order_of_planes_lines_and_events_does_not_matter(trace: Trace, planes: bool) -> None:
    here = analyzed(trace.text())
    there = analyzed(trace.text(planes=planes, reverse=True))
    assert rows_of(there) == rows_of(here)
    assert gaps_of(there) == gaps_of(here)
    assert there.counts == here.counts


@given(servers(), st.integers(1, 10**6))
def test_only_times_change_when_all_times_do(trace: Trace, shift_us: int) -> None:
    here, there = analyzed(trace.text()), capture_of(trace.text(shift_us=shift_us))
    window = here.capture.window
    shift_ns = shift_us * 1000
    moved = replace(
        there,
        window=replace(
            window, start_ns=window.start_ns + shift_ns, end_ns=window.end_ns + shift_ns
        ),
    )
    later = analyze(moved)
    assert rows_of(later, shift_ns) == rows_of(here)
    assert gaps_of(later, shift_ns) == gaps_of(here)
