"""Whose work held the threads that a model's requests waited for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diag.analysis.blocking import Blocking, HeldTime
from diag.model.capture import BatchingParameters
from diag.model.serving import Stage
from tests.unit.analysis.traces import QUEUE_A, QUEUE_B, analyzed

SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=8)

INTER_OP = """
line grpc-1
  SessionRun 0..1000us id=1 _p=1 model_id=light:1
line grpc-2
  SessionRun 0..900us id=2 _p=2 model_id=heavy:1
line grpc-3
  SessionRun 0..1000us id=3 _p=3 model_id=light:1
line tf_Compute/1
  ExecutorState::Process 0..900us id=2 _c=2
    ExecutorState::Process 100..200us id=2 _c=2
  ExecutorState::Process 900..1000us id=1 _c=1
line tf_Compute/2
  ExecutorState::Process 0..100us id=3 _c=3
  ExecutorState::Process 990..1000us id=3 _c=3
"""

BATCH_THREAD = f"""
line grpc-1
  BatchingSessionRun 0..1010us
    ScheduleOutputTask 1..2us size=1 _p={QUEUE_A + 1}
line grpc-2
  BatchingSessionRun 100..1300us
    ScheduleOutputTask 101..102us size=1 _p={QUEUE_B + 1}
line b/1
  ProcessBatch 10..1000us batch_size_before_padding=1 _c={QUEUE_A + 1}
    SessionRun 12..990us id=1 _p=1
  ProcessBatch 1001..1290us batch_size_before_padding=1 _c={QUEUE_B + 1}
    SessionRun 1005..1280us id=2 _p=2
line tf_Compute/1
  ExecutorState::Process 12..990us id=1 _c=1
  ExecutorState::Process 1005..1280us id=2 _c=2
"""


def held(text: str, stage: Stage, parameters: BatchingParameters | None = None):
    found = analyzed(text, parameters).blocking
    return [each for each in found if each.stage is stage]


def test_bursts_of_another_model_hold_the_inter_op_threads() -> None:
    assert held(INTER_OP, Stage.QUEUE_EXECUTOR) == [
        # 900 µs of heavy's burst in the wait of one request, 800 µs in that of the other; 100 µs
        # and 90 µs of light's own two requests. A burst inside a burst holds no second thread.
        Blocking(Stage.QUEUE_EXECUTOR, "light:1", "heavy:1", 1_700_000, 1700 / 1890),
        Blocking(Stage.QUEUE_EXECUTOR, "light:1", "light:1", 190_000, 190 / 1890),
    ]


def test_batches_of_another_queue_hold_the_batch_threads() -> None:
    parameters = BatchingParameters(max_batch_size=8, batch_timeout_micros=0, num_batch_threads=1)
    (each,) = held(BATCH_THREAD, Stage.QUEUE_THREAD, parameters)[:1]
    # Ready from the end of its enqueue on, and taken at 1001 µs.
    assert (each.waiting, each.holding) == ("queue bbbb0000", "queue aaaa0000")
    assert each.held_ns == 1_000_000 - 101_000
    assert each.share == 1


def test_one_model_alone_has_none() -> None:
    assert analyzed(INTER_OP.replace("light", "heavy")).blocking == ()


@given(SPANS, SPANS)
def test_the_overlap_is_that_of_all_pairs(first: list, second: list) -> None:
    wanted = sum(max(0, min(a + b, c + d) - max(a, c)) for a, b in first for c, d in second)
    first_spans, second_spans = (
        (
            np.array([begin for begin, _ in spans], np.int64),
            np.array([begin + length for begin, length in spans], np.int64),
        )
        for spans in (first, second)
    )
    assert HeldTime(*first_spans).within_ns(*second_spans) == wanted
