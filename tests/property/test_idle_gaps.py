"""Gaps and busy time cover the window, and lack of demand is claimed only where it is so."""

from __future__ import annotations

from hypothesis import given

from diag.model.gaps import IDLE_CAUSES, IdleCause
from tests.property.serving_traces import Trace, servers
from tests.unit.analysis.traces import analyzed

Spans = list[tuple[int, int]]


def ticks(spans: Spans) -> set[int]:
    """Whole microseconds in the spans; the traces have no finer times."""
    return {t for start, end in spans for t in range(start // 1000, end // 1000)}


@given(servers())
def test_gaps_and_device_work_are_the_window_and_never_overlap(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    window = analysis.capture.window
    whole = ticks([(window.start_ns, window.end_ns)])
    for index, timeline in enumerate(analysis.timelines):
        mine = analysis.gaps.timeline_index == index
        gaps = list(
            zip(
                analysis.gaps.start_ns[mine].tolist(),
                analysis.gaps.end_ns[mine].tolist(),
                strict=True,
            )
        )
        idle = ticks(gaps)
        assert len(idle) == sum((end - start) // 1000 for start, end in gaps)
        assert idle <= whole
        assert timeline.busy_ns == 1000 * len(whole - idle)
        if timeline.is_device:
            events = [e for line in trace.device.values() for e in line]
            assert whole - idle == ticks([(1000 * e[1], 1000 * e[2]) for e in events])


@given(servers())
def test_no_demand_never_while_anything_of_a_request_is_open(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    gaps = analysis.gaps
    no_demand = gaps.cause_index == IDLE_CAUSES.index(IdleCause.NO_DEMAND)
    without = ticks(
        list(zip(gaps.start_ns[no_demand].tolist(), gaps.end_ns[no_demand].tolist(), strict=True))
    )
    serving = ("BatchingSessionRun", "SessionRun", "ProcessBatch", "ExecutorState::Process")
    events = [e for line in trace.host.values() for e in line if e[0] in serving]
    assert not without & ticks([(1000 * e[1], 1000 * e[2]) for e in events])


@given(servers())
def test_summaries_add_up_to_the_gaps(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    for summary in analysis.idle:
        assert sum(summary.by_cause_ns.values()) == summary.idle_ns
        assert summary.idle_ns + summary.timeline.busy_ns == summary.timeline.window.duration_ns
        assert summary.starved_ns + summary.no_demand_ns <= summary.idle_ns
