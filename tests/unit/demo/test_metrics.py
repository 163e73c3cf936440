from __future__ import annotations

import pytest

from diag.demo.metrics import LATENCY_LIMITS_MICROS, ServerMetrics
from diag.formats.text.prometheus import parse_metrics
from diag.model.samples import MetricSample


def rendered(metrics: ServerMetrics) -> dict[str, list[MetricSample]]:
    out: dict[str, list[MetricSample]] = {}
    for sample in parse_metrics(metrics.render()):
        out.setdefault(sample.name, []).append(sample)
    return out


def test_a_server_without_requests_invents_no_zeros() -> None:
    assert parse_metrics(ServerMetrics().render()) == ()


def test_limits_are_those_of_tensorflow_serving() -> None:
    assert len(LATENCY_LIMITS_MICROS) == 33
    assert LATENCY_LIMITS_MICROS[:3] == pytest.approx((10, 18, 32.4))


def test_requests_are_counted_by_model_and_status() -> None:
    metrics = ServerMetrics()
    for status in ("OK", "OK", "UNAVAILABLE"):
        metrics.count_request("m", status)
    found = rendered(metrics)[":tensorflow:serving:request_count"]
    assert {(dict(s.labels)["status"], s.value) for s in found} == {("OK", 2), ("UNAVAILABLE", 1)}
    assert all(dict(s.labels)["model_name"] == "m" for s in found)


def test_latencies_carry_the_labels_of_their_entry_point() -> None:
    metrics = ServerMetrics()
    metrics.add_latency("m", entrypoint="GRPC", request_ns=2_000_000, runtime_ns=1_500_000)
    metrics.add_latency("m", entrypoint="REST", request_ns=3_000_000, runtime_ns=1_000_000)
    found = rendered(metrics)
    counts = found[":tensorflow:serving:request_latency_count"]
    assert {tuple(dict(s.labels).values()) for s in counts} == {
        ("m", "Predict", "GRPC"),
        ("m", "predict", "REST"),
    }
    sums = found[":tensorflow:serving:runtime_latency_sum"]
    assert sorted(s.value for s in sums) == [1000, 1500]
    assert {dict(s.labels)["runtime"] for s in sums} == {"TF1"}


def test_buckets_are_cumulative_and_end_with_everything() -> None:
    metrics = ServerMetrics()
    for micros in (5, 15, 15, 10**10):
        metrics.add_latency("m", entrypoint="GRPC", request_ns=micros * 1000, runtime_ns=0)
    buckets = rendered(metrics)[":tensorflow:serving:request_latency_bucket"]
    values = [sample.value for sample in buckets]
    assert len(values) == 34
    assert values == sorted(values)
    assert values[:2] == [1, 3]
    assert (dict(buckets[-1].labels)["le"], values[-1]) == ("+Inf", 4)
    assert values[-2] == 3


def test_bytes_of_runs_are_added_up_without_labels() -> None:
    metrics = ServerMetrics()
    for size in (4096, 100):
        metrics.add_run(size, 32)
    found = rendered(metrics)
    (sent,) = found[":tensorflow:core:graph_run_input_tensor_bytes_sum"]
    (answered,) = found[":tensorflow:core:graph_run_output_tensor_bytes_sum"]
    assert (sent.value, sent.labels, answered.value) == (4196, (), 64)
    buckets = found[":tensorflow:core:graph_run_input_tensor_bytes_bucket"]
    assert [sample.value for sample in buckets] == [0] * 4 + [1] * 3 + [2] * 8


def test_gauges_of_batching_are_shown_as_set() -> None:
    metrics = ServerMetrics()
    metrics.set_batching_gauge("max_batch_size", (("model_name", "m"), ("op_name", "b")), 16)
    (gauge,) = rendered(metrics)[":tensorflow:serving:batching:max_batch_size"]
    assert gauge.value == 16
