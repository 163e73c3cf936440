"""Gaps and busy time cover the window, and lack of demand is claimed only where it is so."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from diag.formats.trace import event_names as ev
from diag.model.gaps import CONFIDENCES, IDLE_CAUSES, IdleCause
from tests.property.serving_traces import Trace, servers
from tests.unit.analysis.traces import analyzed

Spans = list[tuple[int, int]]
RUNS = (ev.SESSION_RUN, ev.EXECUTOR_PROCESS)


def ticks(spans: Spans) -> set[int]:
    """Whole microseconds in the spans; the traces have no finer times."""
    return {t for start, end in spans for t in range(start // 1000, end // 1000)}


@given(servers())
def test_gaps_and_device_work_are_the_window_and_never_overlap(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    for index, timeline in enumerate(analysis.timelines):
        # Of a GPU only the part of the window in which it was traced.
        whole = ticks([(timeline.window.start_ns, timeline.window.end_ns)])
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


def asking(trace: Trace) -> list[tuple[int, int]]:
    """Spans in ns of what is open of runs and batches; of a GPU only of those that launch on it."""
    launching = {
        event[3]["correlation_id"]
        for line in trace.host.values()
        for event in line
        if "correlation_id" in event[3]
    }

    def concerns(name: str, stats: dict[str, int | str]) -> bool:
        if not trace.device:
            return name in (ev.BATCHING_SESSION_RUN, ev.PROCESS_BATCH, *RUNS)
        return name in RUNS and (stats.get("_p", stats.get("_c")) in launching)

    return [
        (1000 * begin, 1000 * end)
        for line in trace.host.values()
        for name, begin, end, stats in line
        if concerns(name, stats)
    ]


@given(servers())
def test_no_demand_never_while_anything_of_a_request_is_open(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    gaps = analysis.gaps
    no_demand = gaps.cause_index == IDLE_CAUSES.index(IdleCause.NO_DEMAND)
    without = ticks(
        list(zip(gaps.start_ns[no_demand].tolist(), gaps.end_ns[no_demand].tolist(), strict=True))
    )
    assert not without & ticks(asking(trace))


@given(servers())
def test_every_piece_has_a_cause_a_confidence_and_no_runner_up_but_another(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    gaps = analysis.gaps
    assert (gaps.start_ns < gaps.end_ns).all()
    assert ((gaps.cause_index >= 0) & (gaps.cause_index < len(IDLE_CAUSES))).all()
    assert ((gaps.confidence_index >= 0) & (gaps.confidence_index < len(CONFIDENCES))).all()
    assert (gaps.runner_up_index != gaps.cause_index).all()
    assert (gaps.runner_up_index < len(IDLE_CAUSES)).all()
    assert (gaps.waiting_requests >= 0).all()
    # What shows a piece overlaps it, or is a task that waits in it.
    shown = np.flatnonzero(gaps.evidence_row >= 0)
    events = analysis.host.events
    row = gaps.evidence_row[shown]
    assert (events.start_ns[row] < gaps.end_ns[shown]).all()
    # A piece ends where its cause does.
    same = gaps.timeline_index[1:] == gaps.timeline_index[:-1]
    touching = same & (gaps.start_ns[1:] == gaps.end_ns[:-1])
    assert (gaps.cause_index[1:] != gaps.cause_index[:-1])[touching].all()


@given(servers())
def test_the_order_of_planes_lines_and_events_changes_nothing(trace: Trace) -> None:
    tables = [
        analyzed(text).gaps
        for text in (trace.text(), trace.text(planes=True), trace.text(reverse=True))
    ]
    for name in (
        "start_ns",
        "end_ns",
        "cause_index",
        "confidence_index",
        "runner_up_index",
        "waiting_requests",
    ):
        first, *others = [getattr(table, name).tolist() for table in tables]
        assert others == [first, first], name


@given(servers())
def test_longest_gaps_are_stretches_of_touching_pieces(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    gaps = analysis.gaps
    for long in analysis.longest_gaps:
        mine = gaps.timeline_index == long.timeline_index
        mine &= (gaps.start_ns >= long.start_ns) & (gaps.end_ns <= long.end_ns)
        length = (gaps.end_ns - gaps.start_ns)[mine]
        assert [ns for _, ns in long.causes] == length.tolist()
        assert length.sum() == long.end_ns - long.start_ns
        assert len(long.waiting) <= long.waiting_total


@given(servers())
def test_summaries_add_up_to_the_gaps(trace: Trace) -> None:
    analysis = analyzed(trace.text())
    for summary in analysis.idle:
        assert sum(summary.by_cause_ns.values()) == summary.idle_ns
        assert summary.idle_ns + summary.timeline.busy_ns == summary.timeline.window.duration_ns
        assert summary.starved_ns + summary.no_demand_ns <= summary.idle_ns
        assert summary.waiting_ns + summary.no_demand_ns <= summary.idle_ns
