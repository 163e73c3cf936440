"""Summaries: percentiles only where n carries them, sums that add up, names, and caveats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.analysis import analyze
from diag.analysis.summary import describe
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.samples import MetricSample, MetricsPair, ServedModel, ServerInfo
from tests.unit.analysis.traces import QUEUE_A, QUEUE_B, analyzed, capture_of


def unbatched(durations: list[int], **stats: str) -> str:
    """Requests one after the other, 10 us apart, each with a burst over its second half."""
    more = " ".join(f'{key}="{value}"' for key, value in stats.items())
    run, burst, at = "line grpc\n", "line tf_Compute/1\n", 0
    for i, duration in enumerate(durations):
        run += f"SessionRun {at}..{at + duration}us id={i} _p={i} {more}\n"
        middle = at + duration // 2
        burst += f"ExecutorState::Process {middle}..{at + duration}us id={i} _c={i}\n"
        at += duration + 10
    return run + burst


@pytest.mark.parametrize(
    ("n", "known"), [(9, 0), (10, 1), (29, 1), (30, 2), (99, 2), (100, 3), (1000, 3)]
)
def test_percentiles_are_absent_where_n_is_too_small(n: int, known: int) -> None:
    of = describe(np.arange(1, n + 1, dtype=np.int64))
    percentiles = [of.p50_ns, of.p90_ns, of.p99_ns]
    assert [not isinstance(p, Unavailable) for p in percentiles] == [i < known for i in range(3)]
    assert of.n == n


@given(st.lists(st.integers(0, 2**62), min_size=100, max_size=400))
def test_percentiles_are_exact_nearest_ranks(values: list[int]) -> None:
    of, ordered = describe(np.array(values, np.int64)), sorted(values)
    for percent, found in ((50, of.p50_ns), (90, of.p90_ns), (99, of.p99_ns)):
        assert type(found) is int
        assert found == ordered[-(-percent * len(values) // 100) - 1]


def test_percentiles_are_values_that_occurred() -> None:
    of = describe(np.arange(1, 101, dtype=np.int64))
    assert (of.mean_ns, of.p50_ns, of.p90_ns, of.p99_ns) == (50.5, 50, 90, 99)


def test_nothing_has_no_mean() -> None:
    of = describe(np.empty(0, np.int64))
    assert of.n == 0
    assert isinstance(of.mean_ns, Unavailable)


def test_shares_add_up_to_one_and_tails_to_the_models() -> None:
    (model,) = analyzed(unbatched([100 + 2 * (i % 50) for i in range(150)])).models
    assert model.requests == 150
    assert sum(stage.share for stage in model.stages) == pytest.approx(1)
    assert not isinstance(model.tail_ns, Unavailable)
    assert model.tail_ns > 0
    tails = [stage.tail_ns for stage in model.stages if not isinstance(stage.tail_ns, Unavailable)]
    assert sum(tails) == pytest.approx(model.tail_ns)
    by_stage = {stage.stage.value: stage.share for stage in model.stages}
    assert by_stage["queue-executor"] == pytest.approx(0.5, abs=0.01)


def test_no_tail_below_100_requests() -> None:
    (model,) = analyzed(unbatched([100] * 99)).models
    assert isinstance(model.tail_ns, Unavailable)
    assert all(isinstance(stage.tail_ns, Unavailable) for stage in model.stages)


def test_rate_is_of_the_window() -> None:
    (model,) = analyzed(unbatched([90] * 20)).models
    assert model.rate_per_second == pytest.approx(20 / (1990e-6))


def codes(text: str) -> list[str]:
    return [caveat.code for caveat in analyzed(text).caveats]


def test_window_shorter_than_five_p99_is_flagged() -> None:
    end = "line end\n  Something 0..{}us\n"
    long_enough = 5 * 100 * 110 + 10
    assert "window-too-short" not in codes(unbatched([100] * 110) + end.format(long_enough))
    slow = unbatched([100] * 98 + [20_000] * 2)
    (caveat,) = [c for c in analyzed(slow).caveats if c.code == "window-too-short"]
    assert caveat.fact("model") == "unnamed model"
    assert (caveat.fact("statistic"), caveat.fact("latency_ns")) == ("p99", 20_000_000)
    assert caveat.fact("needed_window_ns") == 100_000_000


def test_few_long_requests_flag_the_window_by_what_is_known_of_them() -> None:
    (caveat,) = [c for c in analyzed(unbatched([1000] * 3)).caveats if "window" in c.code]
    assert caveat.fact("statistic") == "mean"


def test_tracer_errors_are_told_once() -> None:
    text = "error CUPTI refused\nplane /host:CPU\nline t\n  Something 0..10us"
    caveats = analyze(capture_of(text)).caveats
    assert [c.facts for c in caveats if c.code == "tracer-errors"] == [
        (("messages", ("CUPTI refused",)),)
    ]


def test_models_are_named_by_the_sessions_metadata() -> None:
    analysis = analyzed(unbatched([100, 100], model_id="resnet:3"))
    assert analysis.requests.models == ("resnet:3",)


def test_two_models_have_a_ledger_each() -> None:
    text = unbatched([100] * 3, model_id="b:1") + unbatched([300] * 2, model_id="a:1")
    models = analyzed(text).models
    assert [(m.model, m.requests) for m in models] == [("a:1", 2), ("b:1", 3)]


def test_the_only_model_served_names_all_requests() -> None:
    capture = capture_of(unbatched([100]))
    info = ServerInfo((ServedModel("m", 7, "AVAILABLE"),), Unavailable(""), Unavailable(""))
    assert analyze(replace(capture, server=info)).requests.models == ("m:7",)


def test_one_model_in_two_versions_is_named_without_a_version() -> None:
    served = (ServedModel("m", 7, "AVAILABLE"), ServedModel("m", 8, "AVAILABLE"))
    info = ServerInfo(served, Unavailable(""), Unavailable(""))
    assert analyze(replace(capture_of(unbatched([100])), server=info)).requests.models == ("m",)


def test_metrics_of_one_model_name_it() -> None:
    sample = MetricSample(":tensorflow:serving:request_count", (("model_name", "m"),), 1.0)
    capture = replace(capture_of(unbatched([100])), metrics=MetricsPair((), (sample,)))
    assert analyze(capture).requests.models == ("m",)


def test_queues_stand_for_models_that_nothing_names() -> None:
    text = ""
    for number, queue in enumerate((QUEUE_A, QUEUE_B)):
        text += f"""
        line grpc-{number}
          BatchingSessionRun 0..100us
            ScheduleOutputTask 1..2us size=1 _p={queue + 1}
        line b/{number}
          ProcessBatch 10..90us batch_size_before_padding=1 _c={queue + 1}
            MergeInputTensors 11..12us batch_size_after_padding=4
        """
    parameters = BatchingParameters(max_batch_size=2, batch_timeout_micros=0)
    analysis = analyzed(text, parameters)
    assert [model.model for model in analysis.models] == ["queue aaaa0000", "queue bbbb0000"]
    assert [queue.fill_ratio for queue in analysis.queues] == [0.5, 0.5]
    assert [queue.padding_ratio for queue in analysis.queues] == [0.75, 0.75]


def test_level_1_without_serving_events_knows_no_number_of_requests() -> None:
    analysis = analyzed("line t\n  ThreadpoolListener::Record @5us _pt=15 _p=1\n  X 0..100us")
    assert isinstance(analysis.counts.requests, Unavailable)
    assert analysis.counts.requests.reason
    assert all(idle.no_demand_ns == 0 for idle in analysis.idle)
