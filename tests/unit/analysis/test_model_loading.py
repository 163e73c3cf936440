"""Runs that load a model are no requests."""

from __future__ import annotations

import pytest

from tests.unit.analysis.traces import analyzed, requests_us

ANSWER = """
line grpc
  SessionRun 0..1000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 10..900us id=1 _c=1
    m:MatMul 20..800us
"""


@pytest.mark.parametrize(
    "load",
    [
        """
        line loader
          SessionRun 100..5000us id=2 _p=2
        line tf_Compute/2
          ExecutorState::Process 110..4900us id=2 _c=2
            save/RestoreV2:RestoreV2 120..4800us
        """,
        """
        line loader
          SessionRun 100..5000us id=2 _p=2
            table/init:InitializeTableV2 120..4800us
        """,
        """
        line tf_Warmup_ThreadPool/3
          SessionRun 100..5000us id=2 _p=2
        """,
    ],
    ids=["restore", "inline", "warm-up"],
)
def test_a_run_that_loads_a_model_is_no_request(load: str) -> None:
    assert requests_us(analyzed(ANSWER + load)) == requests_us(analyzed(ANSWER))


def test_a_run_that_only_reads_a_table_is_one() -> None:
    lookup = ANSWER.replace("m:MatMul", "t:LookupTableFindV2")
    assert len(requests_us(analyzed(lookup))) == 1
