"""The server's counters between two scrapes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from diag.analysis.samples.metrics import model_metrics, summarize_metrics
from diag.formats.text.prometheus import declared_names, parse_metrics
from diag.model.availability import Unavailable
from diag.model.samples import MetricSample, MetricsPair
from tests.unit.analysis.traces import capture_of

PREFIX = ":tensorflow:serving:"
NS_PER_MS = 1_000_000


def sample(name: str, value: float, **labels: str) -> MetricSample:
    return MetricSample(PREFIX + name, tuple(labels.items()), value)


def latencies(model: str, request: tuple[float, float], runtime: tuple[float, float]):
    return (
        sample("request_latency_sum", request[0], model_name=model, API="Predict"),
        sample("request_latency_count", request[1], model_name=model, API="Predict"),
        sample("runtime_latency_sum", runtime[0], model_name=model, runtime="TF1"),
        sample("runtime_latency_count", runtime[1], model_name=model, runtime="TF1"),
    )


def test_outside_is_the_request_mean_less_the_runtime_mean():
    before = latencies("m", (1000, 1), (900, 1))
    after = latencies("m", (31_000, 3), (24_900, 3))
    (model,) = summarize_metrics(MetricsPair(before, after))
    assert model.request_latency_mean_ns == 15 * NS_PER_MS
    assert model.runtime_latency_mean_ns == 12 * NS_PER_MS
    assert model.outside_mean_ns == 3 * NS_PER_MS


def test_histograms_of_several_entry_points_are_one_mean():
    after = (
        *latencies("m", (10_000, 1), (20_000, 2)),
        sample("request_latency_sum", 30_000, model_name="m", API="predict", entrypoint="REST"),
        sample("request_latency_count", 1, model_name="m", API="predict", entrypoint="REST"),
    )
    (model,) = summarize_metrics(MetricsPair((), after))
    assert model.request_latency_mean_ns == 20 * NS_PER_MS


def test_answers_are_counted_by_status_and_only_those_that_moved():
    before = (sample("request_count", 5, model_name="m", status="OK"),)
    after = (
        sample("request_count", 9, model_name="m", status="OK"),
        sample("request_count", 3, model_name="m", status="UNAVAILABLE"),
        sample("request_count", 0, model_name="m", status="INTERNAL"),
    )
    (model,) = summarize_metrics(MetricsPair(before, after))
    assert model.responses == {"OK": 4, "UNAVAILABLE": 3}


def test_models_are_kept_apart_and_sorted():
    after = (*latencies("b", (2, 1), (1, 1)), *latencies("a", (4, 1), (1, 1)))
    assert [model.model for model in summarize_metrics(MetricsPair((), after))] == ["a", "b"]


def test_no_answer_between_the_scrapes_is_no_mean():
    same = latencies("m", (1000, 1), (900, 1))
    (model,) = summarize_metrics(MetricsPair(same, same))
    assert isinstance(model.request_latency_mean_ns, Unavailable)
    assert model.outside_mean_ns == Unavailable("no answer was counted between the scrapes")


def test_counters_that_went_backwards_mean_a_restart():
    before = latencies("m", (1000, 10), (900, 10))
    after = latencies("m", (100, 1), (90, 1))
    (model,) = summarize_metrics(MetricsPair(before, after))
    assert isinstance(model.outside_mean_ns, Unavailable)
    assert "restarted" in model.outside_mean_ns.reason


def test_a_runtime_longer_than_the_request_is_not_a_negative_time():
    after = latencies("m", (1000, 1), (2000, 1))
    (model,) = summarize_metrics(MetricsPair((), after))
    assert isinstance(model.outside_mean_ns, Unavailable)


def test_metrics_of_something_else_are_ignored():
    foreign = (MetricSample("go_goroutines", (), 7.0),)
    assert summarize_metrics(MetricsPair(foreign, foreign)) == ()


PAGE = """\
# TYPE :tensorflow:serving:request_count counter
:tensorflow:serving:request_count{{model_name="heavy",status="OK"}} {count}
:tensorflow:serving:request_latency_sum{{model_name="heavy",API="Predict"}} {request}
:tensorflow:serving:request_latency_count{{model_name="heavy",API="Predict"}} {count}
:tensorflow:serving:runtime_latency_sum{{model_name="heavy",runtime="TF1"}} {runtime}
:tensorflow:serving:runtime_latency_count{{model_name="heavy",runtime="TF1"}} {count}
"""


def page(count: int, request: str, runtime: str) -> tuple[MetricSample, ...]:
    return parse_metrics(PAGE.format(count=count, request=request, runtime=runtime))


def test_sums_whose_digits_hide_the_increase_give_no_mean() -> None:
    """As a live server printed them after 75 s of load: 4.65 ms and 0.11 ms were true."""
    pair = MetricsPair(
        page(24_658, "1.08486e+10", "1.08475e+10"), page(24_712, "1.08489e+10", "1.08478e+10")
    )
    (model,) = summarize_metrics(pair)
    assert model.responses == {"OK": 54}
    for value in (
        model.request_latency_mean_ns,
        model.runtime_latency_mean_ns,
        model.outside_mean_ns,
    ):
        assert isinstance(value, Unavailable)
        assert value.reason == (
            "the metrics page prints sums in steps of 100 ms, which is too coarse for 54 answers"
        )


def test_a_difference_that_the_digits_hide_is_not_known_though_the_means_are() -> None:
    pair = MetricsPair(
        page(1000, "1.00000e+08", "9.99000e+07"), page(1100, "1.00500e+08", "1.00398e+08")
    )
    (model,) = summarize_metrics(pair)
    assert model.request_latency_mean_ns == pytest.approx(5 * NS_PER_MS)
    assert isinstance(model.outside_mean_ns, Unavailable)


def test_sums_with_all_digits_are_exact() -> None:
    pair = MetricsPair(
        page(24_658, "10848600000.5", "10847500000.25"),
        page(24_712, "10848851100.5", "10847744660.25"),
    )
    (model,) = summarize_metrics(pair)
    assert model.request_latency_mean_ns == pytest.approx(4.65 * NS_PER_MS)
    assert model.outside_mean_ns == pytest.approx(0.11926 * NS_PER_MS, rel=1e-3)


def test_runs_of_a_warm_up_are_not_those_of_the_answers() -> None:
    after = latencies("m", (100_000, 20), (350_000, 70))
    (model,) = summarize_metrics(MetricsPair((), after))
    assert model.request_latency_mean_ns == 5 * NS_PER_MS
    for value in (model.runtime_latency_mean_ns, model.outside_mean_ns):
        assert isinstance(value, Unavailable)
        assert value.reason.startswith("70 runs were counted for 20 answers")


def test_answers_in_progress_while_the_page_is_written_do_no_harm() -> None:
    after = latencies("m", (500_000, 100), (404_000, 101))
    (model,) = summarize_metrics(MetricsPair((), after))
    assert model.outside_mean_ns == pytest.approx(1 * NS_PER_MS)


@pytest.mark.parametrize("api", ["", "GetModelStatus"])
def test_status_requests_are_no_answers(api: str) -> None:
    after = (
        *latencies("m", (50_000, 10), (40_000, 10)),
        sample("request_latency_sum", 90, model_name="m", API=api, entrypoint="REST"),
        sample("request_latency_count", 30, model_name="m", API=api, entrypoint="REST"),
        sample("request_count", 40, model_name="m", status="OK"),
    )
    (model,) = summarize_metrics(MetricsPair((), after))
    assert (model.responses, model.probes) == ({"OK": 10}, 30)
    assert model.request_latency_mean_ns == 5 * NS_PER_MS


@pytest.mark.parametrize(
    "api", ["Predict", "predict", "Classify", "MultiInference", "multi_inference"]
)
def test_every_spelling_of_an_inference_is_one(api: str) -> None:
    after = (
        sample("request_latency_sum", 5000, model_name="m", API=api),
        sample("request_latency_count", 1, model_name="m", API=api),
    )
    (model,) = summarize_metrics(MetricsPair((), after))
    assert (model.request_latency_mean_ns, model.probes) == (5 * NS_PER_MS, 0)


def test_a_page_without_request_count_counts_no_answers_and_says_so() -> None:
    """Older servers have none."""
    (model,) = summarize_metrics(MetricsPair((), latencies("m", (5000, 1), (4000, 1))))
    assert model.responses == Unavailable("the metrics page has no request_count")
    assert model.request_latency_mean_ns == 5 * NS_PER_MS


def test_only_a_page_that_declares_the_counters_has_counted_nothing() -> None:
    capture = capture_of("line idle\n  Something 0..2s\n")
    foreign = (MetricSample("go_goroutines", (), 7.0),)
    for declared, known in ((frozenset({PREFIX + "request_count"}), True), (frozenset(), False)):
        found = model_metrics(replace(capture, metrics=MetricsPair(foreign, foreign, declared)))
        assert isinstance(found, tuple) is known
    assert declared_names(b"# TYPE :a:b counter\n# TYPE c gauge\n# HELP d x\n") == {":a:b", "c"}


def test_the_same_line_twice_counts_once_and_impossible_values_do_not() -> None:
    line = sample("request_count", 3, model_name="m", status="OK")
    odd = [
        sample("request_count", value, model_name="m", status="INTERNAL")
        for value in (math.nan, math.inf, -math.inf, -4.0, 1e300)
    ]
    (model,) = summarize_metrics(MetricsPair((), (line, line, *odd)))
    assert model.responses == {"OK": 3}
