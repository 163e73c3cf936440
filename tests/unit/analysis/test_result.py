"""The summaries of an Analysis: safe to compare and to hash, with what was measured besides."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

from diag.analysis import analyze
from diag.analysis.samples.observer import ObserverFigure
from diag.analysis.samples.sources import MissingField
from diag.model.availability import Unavailable
from diag.model.samples import MetricSample, MetricsPair, SampledDevice, SamplerCost, SampleSeries
from tests.unit.analysis.traces import analyzed, capture_of

TRACE = """
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
plane /device:GPU:0
line Stream #1(Compute)
  k 110..150us
"""
GPU = SampleSeries(
    source="gpu",
    period_ns=50_000_000,
    units={"utilization_percent": "%"},
    samples=({"unix_ns": 1, "utilization_percent": [70, None]},),
    missing={"1:utilization_percent": "MIG", "power_mw": "not supported"},
    devices=(SampledDevice("NVIDIA L4", "GPU-0"), SampledDevice("NVIDIA L4", "GPU-1")),
    taken_by="gpu-7:9500",
    cost=SamplerCost(1, 2, 3),
)


def test_every_summary_can_be_hashed_and_equals_its_like() -> None:
    one, other = analyzed(TRACE), analyzed(TRACE)
    for field in fields(one):
        values = getattr(one, field.name)
        if isinstance(values, tuple):
            assert values == getattr(other, field.name), field.name
            for value in values:
                assert is_dataclass(value)
                hash(value)


def test_samples_are_summarized_by_source_and_by_device() -> None:
    analysis = analyze(replace(capture_of(TRACE), gpu_samples=GPU))
    host, gpu = analysis.samples
    assert (host.source, host.samples, host.fields) == ("host", 0, host.period_ns)
    assert isinstance(host.fields, Unavailable)
    assert (gpu.source, gpu.samples, gpu.taken_by) == ("gpu", 1, "gpu-7:9500")
    assert gpu.cost == SamplerCost(1, 2, 3)
    assert gpu.missing == (
        MissingField("utilization_percent", 1, "MIG"),
        MissingField("power_mw", -1, "not supported"),
    )
    first, second = analysis.sampled_devices
    assert (first.source, first.index, first.fields[0].mean) == ("gpu", 0, 70)
    assert second.fields[0].mean == Unavailable("MIG")


def test_dcgm_is_a_source_only_where_it_was_asked_for_or_sampled() -> None:
    capture = capture_of(TRACE)
    assert [each.source for each in analyze(capture).samples] == ["host", "gpu"]
    failed = replace(capture, manifest={"sources": {"dcgm": {"status": "unavailable"}}})
    assert [each.source for each in analyze(failed).samples] == ["host", "gpu", "dcgm"]
    sampled = replace(capture, dcgm_samples=replace(GPU, source="dcgm"))
    assert [each.source for each in analyze(sampled).samples] == ["host", "gpu", "dcgm"]


def test_metrics_are_summarized_by_model_or_say_why_not() -> None:
    capture = capture_of(TRACE)
    assert analyze(capture).metrics == capture.metrics
    count = MetricSample(
        ":tensorflow:serving:request_count", (("model_name", "m"), ("status", "OK")), 2.0
    )
    (model,) = analyze(replace(capture, metrics=MetricsPair((), (count,)))).metrics
    assert (model.model, model.responses) == ("m", {"OK": 2})


def test_the_load_generators_latency_has_phase_measure_and_unit() -> None:
    manifest = {
        "observer": {
            "before": {"calls": 90, "p99_ms": None, "p50_ms": 4.0},
            "during": {"by_core_ns": [1, 2]},
            "share": 0.5,
        }
    }
    analysis = analyze(replace(capture_of(TRACE), manifest=manifest))
    assert analysis.observer == (
        ObserverFigure("before", "calls", 90, ""),
        ObserverFigure("before", "p50", 4.0, "ms"),
        ObserverFigure("during.by_core_ns", "0", 1, ""),
        ObserverFigure("during.by_core_ns", "1", 2, ""),
        ObserverFigure("", "share", 0.5, ""),
    )
    assert isinstance(analyze(capture_of(TRACE)).observer, Unavailable)
