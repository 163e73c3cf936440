"""Queues of TensorFlow 2.3, whose batch ids bear no name, are told apart by their threads."""

from __future__ import annotations

import pytest

from diag.analysis import Analysis, analyze
from diag.model.availability import Unavailable
from diag.model.serving import Parameter
from tests.recordings import recorded
from tests.unit.analysis.traces import analyzed, closed_by, tiles_exactly


def trace(*batches: tuple[int, int, int]) -> str:
    """Batches of one row as (thread, id, when it is taken in us), each enqueued 100 us before."""
    lines = []
    for thread in sorted({thread for thread, _, _ in batches}):
        lines.append(f"line batch_threads_/{thread}\n")
        lines += [
            f"  ProcessBatch:1 {at}..{at + 50}us _c={number}\n"
            for of, number, at in batches
            if of == thread
        ]
    for i, (_, number, at) in enumerate(batches, 1):
        lines.append(
            f"line tf_Compute/{i}\n  SessionRun {at - 110}..{at + 60}us id={i} _p={i + 9000}\n"
            f"    ExecutorState::Process {at - 105}..{at - 90}us id={i} _c={i + 9000}\n"
            f"      Schedule:1 {at - 100}..{at - 99}us _p={number}\n"
        )
    return "".join(lines)


def queues(analysis: Analysis) -> dict[str, list[int]]:
    """Ids of the batches by queue."""
    table = analysis.batches
    return {
        queue.key: table.id[table.queue_index == i].tolist() for i, queue in enumerate(table.queues)
    }


def test_threads_with_the_same_ids_serve_different_queues() -> None:
    analysis = analyzed(trace((1, 7, 1000), (2, 7, 1300), (1, 8, 2000), (2, 8, 2300)))
    assert queues(analysis) == {"unnamed-1": [7, 8], "unnamed-2": [7, 8]}
    assert analysis.models[0].model == "queue unnamed-1"
    assert tiles_exactly(analysis)


def test_threads_that_take_turns_serve_one_queue() -> None:
    analysis = analyzed(trace((1, 7, 1000), (2, 8, 1300), (1, 9, 2000), (2, 10, 2300)))
    assert queues(analysis) == {"unnamed": [7, 8, 9, 10]}


def test_ids_far_apart_are_of_different_queues() -> None:
    early = [(1, 7 + i, 1000 + 1000 * i) for i in range(4)]
    late = [(2, 90 + i, 1300 + 1000 * i) for i in range(4)]
    third = [(3, 94 + i, 5300 + 1000 * i) for i in range(2)]
    analysis = analyzed(trace(*early, *late, *third))
    assert queues(analysis) == {
        "unnamed-1": [7, 8, 9, 10],
        "unnamed-2": [90, 91, 92, 93, 94, 95],
    }


def test_queues_that_share_a_thread_are_not_told_apart_and_have_no_parameters() -> None:
    analysis = analyzed(trace((1, 7, 1000), (1, 3, 1300), (1, 8, 2000), (1, 4, 2300)))
    (queue,) = analysis.batches.queues
    assert queue.key == "unnamed-mixed"
    for value in (queue.batch_timeout_ns, queue.max_batch_size):
        assert isinstance(value, Unavailable)
        assert "nothing tells them apart" in value.reason
    assert set(closed_by(analysis)) == {"unknown"}


def test_the_parameters_of_two_batchers_in_one_graph_are_those_of_each() -> None:
    """Made with (threads, max_batch_size, timeout) of 2, 8, 4 ms and 2, 4, 2 ms."""
    analysis = analyze(recorded("two-batchers-tf2.3.4"))
    found = {
        queue.key: (queue.num_batch_threads, queue.batch_timeout_ns)
        for queue in analysis.batches.queues
    }
    assert sorted(found) == ["unnamed-1", "unnamed-2"]
    for (threads, timeout), wanted_ns in zip(
        (found["unnamed-2"], found["unnamed-1"]), (4_000_000, 2_000_000), strict=True
    ):
        assert isinstance(threads, Parameter)
        assert isinstance(timeout, Parameter)
        assert threads.value == 2
        assert timeout.value == pytest.approx(wanted_ns, rel=0.01)
