"""The server's counters between two scrapes."""

from __future__ import annotations

from diag.analysis.samples.metrics import summarize_metrics
from diag.model.availability import Unavailable
from diag.model.samples import MetricSample, MetricsPair

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
