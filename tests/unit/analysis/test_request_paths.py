"""The whole way of single requests, on schedules made by hand (in us) and on recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.analysis import analyze
from diag.analysis.requests.choice import open_at, slowest
from diag.analysis.requests.path_lines import lines_of
from diag.analysis.requests.paths import RequestPaths
from diag.errors import DiagError
from diag.formats.source import open_bundle
from diag.model.capture import BatchingParameters
from diag.model.serving import STAGES
from tests.conftest import sample_path
from tests.property.serving_traces import Trace, rubbish, servers
from tests.unit.analysis.traces import ASYNC_START, QUEUE_A, analyzed

if TYPE_CHECKING:
    from diag.analysis import Analysis
    from diag.model.paths import RequestPath

BATCHED = f"""
line grpc-1
  BatchingSessionRun 0..2000us
    ScheduleOutputTask 50..60us size=1 _p={QUEUE_A + 1}
line grpc-2
  BatchingSessionRun 400..1900us
    ScheduleOutputTask 420..425us size=2 _p={QUEUE_A + 1}
line batch/1
  ProcessBatch 600..1850us batch_size_before_padding=3 _c={QUEUE_A + 1}
    ConcatInputTensors 610..650us batch_size_after_padding=4
    SessionRun 700..1800us id=9 _p=9
      ExecutorState::Process 800..1700us id=9 _c=9
        a:MatMul 810..1100us
        b:MatMul 1100..1690us
"""
# A thread that waits between ops for less than a hundredth of the request, and once for longer.
WAITING = """
line grpc-1
  SessionRun 0..10000us id=5 _p=5
line tf_Compute/1
  ExecutorState::Process 100..3000us id=5 _c=5
    a:MatMul 100..3000us
  ExecutorState::Process 3050..6000us id=5 _c=5
    b:MatMul 3050..6000us
  ExecutorState::Process 8000..10000us id=5 _c=5
    c:MatMul 8000..10000us
"""


def path_of(analysis: Analysis, request: int) -> RequestPath:
    assert isinstance(analysis.paths, RequestPaths)
    return analysis.paths.of(request)


def pieces_us(analysis: Analysis, request: int) -> list[tuple[str, float, float, str, int]]:
    """Stage, begin, end, thread and batch of each piece."""
    path = path_of(analysis, request)
    names = [line.name for line in analysis.host.lines]
    return [
        (
            STAGES[path.stage_index[i]].value,
            path.start_ns[i] / 1000,
            path.end_ns[i] / 1000,
            names[path.line[i]] if path.line[i] >= 0 else "",
            int(path.batch[i]),
        )
        for i in range(len(path))
    ]


def assert_paths_match_rows(analysis: Analysis) -> int:
    """Every path covers its request once, with the time by stage that the table has."""
    table = analysis.requests
    for request in range(len(table)):
        path = path_of(analysis, request)
        sums = np.zeros(len(STAGES), np.int64)
        np.add.at(sums, path.stage_index, path.end_ns - path.start_ns)
        assert sums.tolist() == table.stage_ns[request].tolist()
        assert (path.end_ns > path.start_ns).all()
        assert (path.start_ns[1:] == path.end_ns[:-1]).all()
        if len(path):
            assert path.start_ns[0] == table.start_ns[request]
            assert path.end_ns[-1] == table.end_ns[request]
            lines = lines_of(path)
            assert sum(line.end_ns - line.start_ns for line in lines) == table.duration_ns[request]
            assert sum(line.pieces for line in lines) == len(path)
    return len(table)


def test_a_batched_request_goes_through_its_queue_its_batch_and_back() -> None:
    parameters = BatchingParameters(max_batch_size=8, batch_timeout_micros=500, num_batch_threads=1)
    analysis = analyzed(BATCHED, parameters)
    assert pieces_us(analysis, 0) == [
        ("schedule", 0, 50, "grpc-1", -1),
        ("queue-fill", 50, 550, "", 0),
        ("queue-dispatch", 550, 600, "", 0),
        ("batch-formation", 600, 700, "batch/1", 0),
        ("queue-executor", 700, 800, "", 0),
        ("compute", 800, 1800, "batch/1", 0),
        ("batch-split", 1800, 2000, "grpc-1", 0),
    ]
    assert pieces_us(analysis, 1)[:2] == [
        ("schedule", 400, 420, "grpc-2", -1),
        ("queue-fill", 420, 550, "", 0),
    ]
    assert assert_paths_match_rows(analysis) == 2


def test_the_batches_that_held_the_threads_are_named() -> None:
    text = f"""
    line grpc-1
      BatchingSessionRun 0..900us
        ScheduleOutputTask 10..11us size=4 _p={QUEUE_A + 1}
    line grpc-2
      BatchingSessionRun 100..2000us
        ScheduleOutputTask 120..121us size=4 _p={QUEUE_A + 2}
    line batch/1
      ProcessBatch 20..880us batch_size_before_padding=4 _c={QUEUE_A + 1}
        SessionRun 30..870us id=1 _p=1
      ProcessBatch 885..1900us batch_size_before_padding=4 _c={QUEUE_A + 2}
        SessionRun 890..1890us id=2 _p=2
    """
    parameters = BatchingParameters(
        max_batch_size=4, batch_timeout_micros=5000, num_batch_threads=1
    )
    analysis = analyzed(text, parameters)
    waited = [piece for piece in pieces_us(analysis, 1) if piece[0] == "queue-thread"]
    assert waited == [("queue-thread", 120, 880, "", 1)]
    assert isinstance(analysis.paths, RequestPaths)
    assert analysis.paths.holders(1, 120_000, 880_000).tolist() == [0]


def test_short_pieces_of_a_run_are_told_with_the_long_ones_next_to_them() -> None:
    analysis = analyzed(WAITING)
    path = path_of(analysis, 0)
    assert len(path) == 6
    lines = [
        (line.stage.value, line.start_ns // 1000, line.end_ns // 1000, line.stage_ns // 1000)
        for line in lines_of(path)
    ]
    assert lines == [
        ("queue-executor", 0, 100, 100),
        ("compute", 100, 6000, 5850),
        ("queue-executor", 6000, 8000, 2000),
        ("compute", 8000, 10_000, 2000),
    ]


def test_the_longest_op_of_a_line_is_cut_to_the_line() -> None:
    analysis = analyzed(WAITING)
    assert isinstance(analysis.paths, RequestPaths)
    assert analysis.paths.longest_op(0, 100_000, 6_000_000) == ("b:MatMul", 2_950_000)
    assert analysis.paths.longest_op(0, 0, 200_000) == ("a:MatMul", 100_000)
    assert analysis.paths.longest_op(0, 6_000_000, 8_000_000) is None


def test_a_call_of_an_in_graph_batcher_lies_between_the_parts_of_its_run() -> None:
    text = f"""
    line grpc-1
      SessionRun 0..1000us id=5 _p=5
    line tf_Compute/1
      ExecutorState::Process 0..100us id=5 _c=5
        {ASYNC_START} 90..95us id=5 _p=77
          ScheduleOutputTask 92..93us size=1 _p={QUEUE_A + 1}
    line batch/1
      ProcessBatch 300..900us batch_size_before_padding=1 _c={QUEUE_A + 1}
        FunctionRun 310..320us id=6 _p=6
    """
    assert assert_paths_match_rows(analyzed(text)) == 1


@pytest.mark.parametrize("name", ["batch-timeout", "no-batching", "in-graph-batching"])
def test_paths_of_a_recording_add_up_to_the_table(name: str) -> None:
    analysis = analyze(open_bundle(sample_path(name) / "server.xplane.pb"))
    assert assert_paths_match_rows(analysis) > 100


@given(st.one_of(servers(), rubbish()))
def test_paths_of_any_server_add_up_to_the_table(trace: Trace) -> None:
    try:
        analysis = analyzed(trace.text())
    except DiagError:
        return
    assert_paths_match_rows(analysis)


def test_requests_are_chosen_by_length_and_by_instant() -> None:
    text = "".join(
        f"line grpc-{i}\n SessionRun {a}..{b}us id={i} _p={i}\n"
        for i, (a, b) in enumerate([(0, 100), (50, 250), (60, 160)])
    )
    requests = analyzed(text).requests
    assert slowest(requests, 2).tolist() == [1, 0]
    assert slowest(requests, 9).tolist() == [1, 0, 2]
    assert open_at(requests, 55_000).tolist() == [0, 1]
    assert open_at(requests, 100_000).tolist() == [1, 2]
    assert open_at(requests, 250_000).tolist() == []
