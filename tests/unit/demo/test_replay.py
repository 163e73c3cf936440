from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.demo.replay import (
    BatcherSettings,
    Wait,
    critical_part,
    replay_queue,
    settings_from_facts,
)
from diag.demo.truth import BatchPart, RequestTruth
from diag.simulation.options import QueueOptions


def settings(full_rows: int, timeout_ns: int, threads: int) -> BatcherSettings:
    return BatcherSettings(QueueOptions(full_rows, timeout_ns), threads)


RULES = settings(2, 100, 1)


def request(enqueue: int, *parts: tuple[int, int], rows: int = 1) -> RequestTruth:
    """A request that entered the queue at ``enqueue`` and ran in these (start, end) batches."""
    ran = tuple(BatchPart(start, end, rows, rows) for start, end in parts)
    end = max(end for _, end in parts)
    return RequestTruth("m", rows * len(parts), "OK", 0, 0, end + 1, 0, enqueue, end, ran)


def test_a_queue_without_requests_has_no_waits() -> None:
    assert replay_queue([], RULES) == []


def test_a_lone_request_waits_out_the_timeout_and_then_for_dispatch() -> None:
    assert replay_queue([request(1000, (1105, 1200))], RULES) == [Wait(100, 0, 5)]


def test_a_full_batch_waits_no_longer_than_for_its_last_row() -> None:
    waits = replay_queue([request(1000, (1043, 1200)), request(1040, (1043, 1200))], RULES)
    assert waits == [Wait(40, 0, 3), Wait(0, 0, 3)]


def test_a_batch_is_closed_by_the_one_opened_after_it() -> None:
    rules = settings(3, 100, 2)
    first = request(1000, (1032, 1200), rows=2)
    second = request(1030, (1132, 1300), rows=2)
    assert replay_queue([first, second], rules) == [Wait(30, 0, 2), Wait(100, 0, 2)]


def test_a_full_batch_behind_a_busy_thread_waits_for_the_thread_and_its_hand_over() -> None:
    running = [request(0, (10, 500)), request(5, (10, 500))]
    behind = [request(20, (507, 900)), request(30, (507, 900))]
    waits = replay_queue(running + behind, RULES)
    assert waits[2:] == [Wait(10, 477, 0), Wait(0, 477, 0)]


def test_a_second_thread_leaves_nothing_to_wait_for() -> None:
    rules = settings(2, 100, 2)
    running = [request(0, (10, 500)), request(5, (10, 500))]
    behind = [request(20, (34, 900)), request(30, (34, 900))]
    assert replay_queue(running + behind, rules)[2:] == [Wait(10, 0, 4), Wait(0, 0, 4)]


def test_a_split_request_waits_for_the_batch_that_ends_last() -> None:
    split = request(1000, (1005, 1100), (1110, 1200), (1210, 1300), rows=2)
    assert critical_part(split).end_unix_ns == 1300
    assert replay_queue([split], RULES) == [Wait(0, 205, 5)]


QUEUE = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200)), min_size=1
).map(lambda rows: [request(e, (e + wait, e + wait + length)) for e, wait, length in rows])


@given(
    QUEUE,
    st.builds(settings, st.integers(1, 4), st.integers(0, 150), st.integers(1, 3)),
)
def test_the_three_parts_add_up_to_the_wait_and_none_is_negative(
    requests: list[RequestTruth], rules: BatcherSettings
) -> None:
    for each, wait in zip(requests, replay_queue(requests, rules), strict=True):
        parts = (wait.fill_ns, wait.thread_ns, wait.dispatch_ns)
        assert min(parts) >= 0
        assert sum(parts) == critical_part(each).start_unix_ns - each.ready_unix_ns


def test_settings_come_from_the_facts_of_the_truth() -> None:
    batching = {
        "max_batch_size": 16,
        "max_execution_batch_size": 4,
        "batch_timeout_micros": 40,
        "num_batch_threads": 3,
    }
    found = settings_from_facts({"batching": {"m": batching, "plain": None}}, "m")
    assert found is not None
    assert (found.queue.full_rows, found.queue.batch_timeout_ns) == (4, 40_000)
    assert found.num_batch_threads == 3
    assert settings_from_facts({"batching": {"m": batching, "plain": None}}, "plain") is None
