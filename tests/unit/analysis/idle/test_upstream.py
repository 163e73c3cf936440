"""Requests on their way in, and lack of demand: what is said where nothing is open (us)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.formats.text.prometheus import parse_metrics
from diag.model.samples import MetricsPair
from tests.unit.analysis.idle.tables import END, HOST, KERNEL, gpu, row_at, rows, step
from tests.unit.analysis.traces import QUEUE_A, capture_of

REQUESTS = step(1, "k 4150..4160us correlation_id=1", begin=4000, end=5000) + step(
    2, "k 12150..12160us correlation_id=2", begin=12000, end=13000
)
STREAM = gpu(
    f"k 4200..4800us correlation_id=1 {KERNEL}", f"k 12200..12800us correlation_id=2 {KERNEL}"
)
TRACE = HOST + REQUESTS + END + STREAM


def metrics(answers: int, whole_us: int, run_us: int) -> MetricsPair:
    """Counters that went from nothing to so many answers of so long on average."""

    def text(count: int) -> str:
        lines = [f':tensorflow:serving:request_count{{model_name="m",status="OK"}} {count}']
        for name, mean in (("request_latency", whole_us), ("runtime_latency", run_us)):
            lines += [
                f':tensorflow:serving:{name}_sum{{model_name="m"}} {count * mean}',
                f':tensorflow:serving:{name}_count{{model_name="m"}} {count}',
            ]
        return "\n".join(lines) + "\n"

    return MetricsPair(parse_metrics(text(0)), parse_metrics(text(answers)))


def with_metrics(text: str, pair: MetricsPair) -> Analysis:
    return analyze(replace(capture_of(text), metrics=pair))


def test_within_the_mean_time_outside_the_run_the_next_request_is_on_its_way() -> None:
    analysis = with_metrics(TRACE, metrics(2, whole_us=4000, run_us=1000))
    found = rows(analysis)
    assert (9000, 12000, "ingress", "low", "", "SessionRun") in found
    assert (5000, 9000, "no-demand", "high", "", "") in found
    # What may be a cut request that waits silently may as well be the next one's way in.
    assert (1000, 4000, "ingress", "low", "", "SessionRun") in found
    assert analysis.idle[0].starved_ns >= 6_000_000


def test_where_the_run_takes_longer_than_the_way_in_and_out_there_is_no_ingress() -> None:
    analysis = with_metrics(TRACE, metrics(2, whole_us=1900, run_us=1000))
    assert "ingress" not in [row[2] for row in rows(analysis)]


def test_without_counters_nothing_is_guessed_upstream() -> None:
    assert "ingress" not in [row[2] for row in rows(analyze(capture_of(TRACE)))]


def test_an_open_request_is_no_ingress_of_the_next() -> None:
    analysis = with_metrics(TRACE, metrics(2, whole_us=20_000, run_us=100))
    assert row_at(analysis, 4900)[2] == "sync-or-output"
    assert row_at(analysis, 8000)[2] == "ingress"


@pytest.mark.parametrize(("answers", "confidence"), [(0, "high"), (3, "medium")])
def test_a_quiet_window_is_certain_only_if_the_counters_say_so(
    answers: int, confidence: str
) -> None:
    analysis = with_metrics(HOST + END, metrics(answers, 100, 50))
    assert rows(analysis) == [(0, 20000, "no-demand", confidence, "", "")]


def test_level_1_hides_what_is_not_batched_and_so_is_less_certain() -> None:
    text = f"""
    line grpc
      BatchingSessionRun 8000..9000us
        ScheduleOutputTask 8010..8011us size=1 _p={QUEUE_A + 1}
    line b/1
      ProcessBatch 8020..8990us batch_size_before_padding=1 _c={QUEUE_A + 1}
    """
    analysis = analyze(capture_of(text + END))
    assert analysis.tracer_level == 1
    assert row_at(analysis, 15000)[2:4] == ("no-demand", "medium")


def test_no_demand_is_no_starvation_and_starvation_no_lack_of_demand() -> None:
    for pair in (metrics(2, 4000, 1000), metrics(2, 100, 1000)):
        (idle,) = with_metrics(TRACE, pair).idle
        assert idle.starved_ns + idle.no_demand_ns <= idle.idle_ns
        named = {
            cause.value for cause, ns in idle.by_cause_ns.items() if ns and cause.is_starvation
        }
        assert named <= {"ingress", "preprocess", "queue-executor"}
