"""Runs that load a model are no requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.model.availability import Unavailable
from diag.model.samples import MetricSample, MetricsPair, ServedModel, ServerInfo
from tests.unit.analysis.traces import QUEUE_A, analyzed, capture_of, requests_us

if TYPE_CHECKING:
    from diag.analysis import Analysis

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
    ],
    ids=["restore", "inline"],
)
def test_a_run_that_loads_a_model_is_no_request(load: str) -> None:
    assert requests_us(analyzed(ANSWER + load)) == requests_us(analyzed(ANSWER))


def test_a_run_that_only_reads_a_table_is_one() -> None:
    lookup = ANSWER.replace("m:MatMul", "t:LookupTableFindV2")
    assert len(requests_us(analyzed(lookup))) == 1


RESTORE = """
line {name}
  SessionRun 100000..150000us id=2 _p=2
  SessionRun 155000..155080us id=3 _p=3
  SessionRun 200000..201000us id=4 _p=4
  SessionRun 201100..202000us id=5 _p=5
line tf_Compute/2
  ExecutorState::Process 100100..149000us id=2 _c=2
    save/RestoreV2:RestoreV2 100200..148000us
"""


@pytest.mark.parametrize("name", ["periodic_function/-7", "grpcpp_sync_ser", "x"])
def test_runs_that_follow_a_restore_on_its_thread_are_warm_ups_whatever_its_line_is_called(
    name: str,
) -> None:
    analysis = analyzed(ANSWER + RESTORE.format(name=name))
    assert requests_us(analysis) == requests_us(analyzed(ANSWER))


def test_a_client_s_run_on_the_line_long_after_the_load_is_a_request() -> None:
    later = RESTORE.format(name="grpc") + "line grpc\n  SessionRun 3000000..3001000us id=6 _p=6\n"
    later = RESTORE.format(name="grpc").replace(
        "line tf_Compute/2", "  SessionRun 3000000..3001000us id=6 _p=6\nline tf_Compute/2"
    )
    assert len(requests_us(analyzed(ANSWER + later))) == 2


def test_clients_on_a_line_that_bears_another_thread_s_name_are_requests() -> None:
    on_pool = ANSWER.replace("line grpc", "line tf_ModelDiskSizePool/-7")
    assert len(requests_us(analyzed(on_pool + RESTORE.format(name="loader")))) == 1


REPLAYS = """
line {name}
  SessionRun 10..1000us id=8 _p=8
  SessionRun 1100..2000us id=9 _p=9
"""
NOT_ASKED = Unavailable("not asked")


def loads(*versions: int) -> tuple[MetricSample, ...]:
    name = ":tensorflow:cc:saved_model:load_attempt_count"
    return tuple(
        MetricSample(name, (("model_path", f"/models/heavy/{v}"), ("status", "success")), 1.0)
        for v in versions
    )


def of_server(text: str, *loaded: int, state: str = "AVAILABLE") -> Analysis:
    """Of a server that had version 1 and loaded others meanwhile."""
    capture = replace(
        capture_of(text),
        metrics=MetricsPair(loads(1), loads(1, *loaded)),
        server=ServerInfo((ServedModel("heavy", 1, state),), NOT_ASKED, NOT_ASKED),
    )
    return analyze(capture)


@pytest.mark.parametrize("name", ["periodic_function/-7", "tf_Warmup_ThreadPool/3"])
def test_a_load_that_began_before_the_window_is_known_by_the_server_and_a_line_s_name(
    name: str,
) -> None:
    text = ANSWER + REPLAYS.format(name=name)
    assert requests_us(of_server(text, 2)) == requests_us(analyzed(ANSWER))
    assert requests_us(of_server(text, state="LOADING")) == requests_us(analyzed(ANSWER))


@pytest.mark.parametrize("name", ["periodic_function/-7", "tf_Warmup_ThreadPool/3"])
def test_the_name_of_a_line_alone_removes_no_request(name: str) -> None:
    text = ANSWER + REPLAYS.format(name=name)
    assert len(requests_us(analyzed(text))) == 3
    assert len(requests_us(of_server(text))) == 3


def test_a_load_in_the_trace_tells_of_none_before_it() -> None:
    text = ANSWER + REPLAYS.format(name="periodic_function/-7") + RESTORE.format(name="loader")
    assert len(requests_us(of_server(text, 2))) == 3


def test_a_client_goes_on_using_a_warm_up_thread_s_line_long_after_the_load() -> None:
    runs = "".join(f"SessionRun {i}000..{i}900us id={i} _p={i}\n" for i in range(10, 2000))
    text = ANSWER + f"line tf_Warmup_ThreadPool/3\n{runs}"
    assert len(requests_us(of_server(text, 2))) == 1 + 999


def test_a_client_that_uses_a_warm_up_thread_s_line_after_it_makes_requests() -> None:
    line = """
    line tf_Warmup_ThreadPool/3
      SessionRun 152000..153000us id=8 _p=8
      SessionRun 153100..154000us id=9 _p=9
      SessionRun 2400000..2401000us id=10 _p=10
    """
    requests = requests_us(analyzed(ANSWER + RESTORE.format(name="loader") + line))
    assert [begin for begin, *_ in requests] == [0, 2_400_000]


def test_warm_ups_through_the_batcher_are_no_requests() -> None:
    batched = f"""
    line loader
      SessionRun 100..500us id=2 _p=2
      BatchingSessionRun 600..900us
        ScheduleOutputTask 610..615us size=1 _p={QUEUE_A + 1}
    line tf_Compute/2
      ExecutorState::Process 110..490us id=2 _c=2
        save/RestoreV2:RestoreV2 120..480us
    line batch_threads_/1
      ProcessBatch 620..890us _c={QUEUE_A + 1} batch_size_before_padding=1
        SessionRun 630..880us id=3 _p=3
    """
    analysis = analyzed(ANSWER + batched)
    assert requests_us(analysis) == requests_us(analyzed(ANSWER))
    assert analysis.counts.censored == 0
    (caveat,) = [each for each in analysis.caveats if each.code == "model-loaded"]
    assert caveat.fact("runs_count") == 2


def test_the_versions_before_and_after_are_named_where_they_are_known() -> None:
    (caveat,) = [c for c in of_server(ANSWER, 2).caveats if c.code == "model-loaded"]
    assert caveat.fact("loaded") == ("heavy version 2",)
    assert caveat.fact("before") == ("heavy version 1",)
