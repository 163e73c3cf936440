from __future__ import annotations

import pytest

from diag.capture.recorded_traffic import RecordedTraffic, find_recorded_traffic, shows_traffic
from diag.formats.trace.program import find_program
from diag.formats.trace.xspace import decode_space
from diag.testing.xspace_builder import build_space

BATCHED_PARTS = (
    "  ProcessBatch 1..5ms _c=1\n    MergeInputTensors 1..2ms\n    SessionRun 2..4ms id=1"
)
IN_GRAPH = "  ProcessBatch 1..5ms _c=1\n    ConcatInputTensors 1..2ms"


@pytest.mark.parametrize(
    ("events", "level", "expected"),
    [
        ("", 2, RecordedTraffic.NOTHING),
        ("  ThreadpoolListener::StartRegion @1ms _c=1", 2, RecordedTraffic.NOTHING),
        ("  ThreadpoolListener::StartRegion @1ms _c=1", 1, RecordedTraffic.HIDDEN),
        ("", 1, RecordedTraffic.NOTHING),
        ("  SessionRun 1..2ms id=1", 2, RecordedTraffic.REQUESTS),
        ("  BatchingSessionRun 1..2ms", 1, RecordedTraffic.REQUESTS),
        ("  TfrtModelRun 1..2ms", 1, RecordedTraffic.REQUESTS),
        (BATCHED_PARTS, 2, RecordedTraffic.PARTS),
        (BATCHED_PARTS + "\n  BatchingSessionRun 6..7ms", 2, RecordedTraffic.REQUESTS),
        ("  ScheduleOutputTask 1..2us size=1 _p=1", 2, RecordedTraffic.PARTS),
        ("  ExecutorState::Process 1..2ms _c=1", 2, RecordedTraffic.PARTS),
        (IN_GRAPH, 1, RecordedTraffic.REQUESTS),
        (IN_GRAPH, 2, RecordedTraffic.PARTS),
    ],
)
def test_what_a_window_held(events: str, level: int, expected: RecordedTraffic) -> None:
    space = decode_space(build_space(f"plane /host:CPU\nline a\n{events}"))
    assert find_recorded_traffic(space, level) is expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("ThreadpoolListener::StartRegion @1ms _c=1", True),
        ("ScheduleOutputTask 1..2us size=1 _p=1", True),
        ("EagerExecute 1..2us eager_op=MatMul", True),
        ("SomethingElse 1..2us", False),
    ],
)
def test_thread_pool_marks_and_ops_of_python_are_traffic(event: str, expected: bool) -> None:
    space = decode_space(build_space(f"plane /host:CPU\nline a\n  {event}"))
    assert shows_traffic(space) is expected


def test_work_of_another_program_is_not_taken_for_parts_of_requests() -> None:
    events = "  train_function 0..9ms\n  FunctionRun 1..2ms id=1 _p=1\n"
    space = decode_space(build_space(f"plane /host:CPU\nline python\n{events}"))
    assert find_recorded_traffic(space, 2) is RecordedTraffic.PARTS
    program = find_program(space.planes)
    assert find_recorded_traffic(space, 2, program) is RecordedTraffic.FOREIGN
    server = find_program(space.planes, is_server=True)
    assert find_recorded_traffic(space, 2, server) is RecordedTraffic.PARTS


@pytest.mark.parametrize("name", ["infer 1..2ms\n    EagerExecute 1..2ms", "predict_step 1..2ms"])
def test_a_python_program_that_calls_a_model_has_something_to_explain(name: str) -> None:
    space = decode_space(build_space(f"plane /host:CPU\nline python\n  {name}\n"))
    assert find_recorded_traffic(space, 2, find_program(space.planes)) is RecordedTraffic.LOOP
