"""Analyses of traces written as text, and their tables as plain dictionaries of microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.analysis import analyze
from diag.formats.trace.capture import capture_from_trace
from diag.model.gaps import IDLE_CAUSES
from diag.model.serving import CLOSE_REASONS, MODES, STAGES
from diag.testing.xspace_builder import build_space

if TYPE_CHECKING:
    from diag.analysis import Analysis
    from diag.model.capture import BatchingParameters, Capture

QUEUE_A = 0xAAAA0000 << 32
QUEUE_B = 0xBBBB0000 << 32
ASYNC_START = "ExecutorState::ProcessAsync::Start"


def capture_of(text: str) -> Capture:
    """The Capture of a trace on the host plane, unless the text names its own planes."""
    if "plane " not in text:
        text = f"plane /host:CPU\n{text}"
    return capture_from_trace("trace", build_space(text), "trace")


def analyzed(
    text: str,
    batching_parameters: BatchingParameters | None = None,
    preprocess_ops: str | None = None,
) -> Analysis:
    """The Analysis of a trace written as text."""
    capture = capture_of(text)
    if batching_parameters is not None:
        capture = capture.with_batching_parameters(batching_parameters)
    return analyze(capture, preprocess_ops=preprocess_ops)


def stages_us(analysis: Analysis, request: int = 0) -> dict[str, float]:
    """The stages of one request that took time."""
    row = analysis.requests.stage_ns[request]
    return {s.value: row[s.index] / 1000 for s in STAGES if row[s.index]}


def requests_us(analysis: Analysis) -> list[tuple[float, float, str, bool]]:
    """Begin, end, mode and completeness of each request."""
    table = analysis.requests
    return [
        (
            table.start_ns[i] / 1000,
            table.end_ns[i] / 1000,
            MODES[table.mode_index[i]].value,
            bool(table.complete[i]),
        )
        for i in range(len(table))
    ]


def gaps_us(analysis: Analysis) -> list[tuple[float, float, str]]:
    """Begin, end and cause of each piece of idle time, over all timelines."""
    gaps = analysis.gaps
    return [
        (gaps.start_ns[i] / 1000, gaps.end_ns[i] / 1000, IDLE_CAUSES[gaps.cause_index[i]].value)
        for i in range(len(gaps))
    ]


def closed_by(analysis: Analysis) -> list[str]:
    """Why each batch was closed, in order of start."""
    return [CLOSE_REASONS[i].value for i in analysis.batches.close_reason_index]


def tiles_exactly(analysis: Analysis) -> bool:
    """Whether stages add up to every request, and gaps with busy time to every window."""
    table, gaps = analysis.requests, analysis.gaps
    length = gaps.end_ns - gaps.start_ns
    stages = bool(
        (table.stage_ns.sum(axis=1) == table.duration_ns).all()
        and (table.stage_ns >= 0).all()
        and (table.stage_ns[~table.stage_known] == 0).all()
    )
    return stages and all(
        timeline.busy_ns >= 0
        and timeline.busy_ns + int(length[gaps.timeline_index == i].sum())
        == timeline.window.duration_ns
        and (
            gaps.end_ns[gaps.timeline_index == i][:-1]
            <= gaps.start_ns[gaps.timeline_index == i][1:]
        ).all()
        for i, timeline in enumerate(analysis.timelines)
    )
