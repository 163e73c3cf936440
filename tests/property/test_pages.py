"""Whatever a metrics page or a DCGM page says, there is an answer or a clean error."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diag.analysis import analyze
from diag.capture.samplers.dcgm.page import fields_of, read_hosts
from diag.capture.server.metrics_page import count_increase, model_names
from diag.errors import InputError, MetricsParseError
from diag.findings import conclude, find
from diag.formats.text.prometheus import declared_names, metrics_from_bytes
from diag.formats.text.serving_metrics import inferences
from diag.model.availability import Unavailable
from diag.model.samples import MetricsPair, SampledDevice, SampleSeries
from diag.report.build import build_report
from diag.report.formats import FORMATS
from diag.report.formats.registry import RenderOptions
from diag.tables.names import TABLE_NAMES
from diag.tables.registry import table
from tests.support.exporter import GR, UTIL, line, page
from tests.unit.analysis.samples.captures import ORIGIN_UNIX_NS, with_samples
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.servers import IDLE_END, sessions

NUMBERS = st.one_of(
    st.sampled_from(
        [
            "0",
            "-0",
            "1",
            "7",
            "-5",
            "1.5",
            "1e3",
            "1.08486e+10",
            "NaN",
            "nan",
            "+Inf",
            "-Inf",
            "inf",
            "1e308",
            "1e999",
            "-1e308",
            "9223372036854775807",
            "18446744073709551615",
            "4294967295",
            "0x1F",
            "1_000",
            "abc",
        ]
    ),
    st.just(""),
    st.just("9" * 400),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
)
NAMES = st.sampled_from(
    [
        f":tensorflow:serving:{name}"
        for name in (
            "request_count",
            "request_latency_sum",
            "request_latency_count",
            "request_latency_bucket",
            "runtime_latency_sum",
            "runtime_latency_count",
            "batching:max_batch_size",
            "batching:batch_timeout_micros",
            "batching:num_batch_threads",
        )
    ]
    + ["renamed_request_count", "go_goroutines"]
)
LABELS = st.sampled_from(
    [
        "",
        "{}",
        '{model_name="m",status="OK"}',
        '{model_name="m",status="UNAVAILABLE"}',
        '{model_name="n",status=""}',
        '{model_name="m",API="Predict",entrypoint="GRPC"}',
        '{model_name="m",API="",entrypoint="REST"}',
        '{model_name="m\\"x",API="predict"}',
        '{op_name="batch"}',
    ]
)
LINES = st.one_of(
    st.builds("{}{} {}".format, NAMES, LABELS, NUMBERS),
    st.builds("# TYPE {} counter".format, NAMES),
    st.text(max_size=20),
)
PAGES = st.lists(LINES, max_size=12).map(lambda lines: "\n".join(lines).encode())
SERVER = capture_of(sessions(3, period=1300) + IDLE_END.format(9000))


def used(capture: Any) -> None:
    """Everything that is made of a capture."""
    analysis = analyze(capture)
    conclude(analysis, find(analysis))
    report = build_report(analysis)
    for format_ in FORMATS.values():
        format_.render(report, RenderOptions(verbose=True))
    for name in TABLE_NAMES:
        table(analysis, name)


def parsed(data: bytes) -> Any:
    with suppress(MetricsParseError):
        return metrics_from_bytes(data)
    return None


@settings(max_examples=60, deadline=None)
@given(before=PAGES, after=PAGES)
def test_any_metrics_page_gives_an_answer_or_a_clean_error(before: bytes, after: bytes) -> None:
    pair = parsed(before), parsed(after)
    names = declared_names(after)
    if None in pair:
        return
    used(replace(SERVER, metrics=MetricsPair(*pair, names)))
    model_names(pair[1])
    assert isinstance(inferences(pair[1]), float | Unavailable)
    assert isinstance(count_increase(*pair), int | Unavailable)


@settings(max_examples=40, deadline=None)
@given(
    lines=st.lists(
        st.builds(
            lambda metric, value, gpu: line(metric, value, gpu=gpu),
            st.sampled_from([GR, UTIL, "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_XID_ERRORS", "X"]),
            NUMBERS,
            st.integers(0, 2),
        ),
        max_size=8,
    )
)
def test_any_dcgm_page_gives_samples_that_can_be_analyzed_or_a_clean_error(
    lines: list[str],
) -> None:
    try:
        hosts = read_hosts(page(*lines).decode())
    except InputError:
        return
    for found in hosts.values():
        keys, fields = found.ordered(), fields_of(found)
        values = {f.name: [found.values[f.name].get(key) for key in keys] for f in fields}
        samples = tuple({"unix_ns": ORIGIN_UNIX_NS + i * 1_000_000, **values} for i in range(4))
        devices = tuple(found.devices[key] for key in keys)
        units = {field.name: field.unit for field in fields}
        used(with_samples(SERVER, dcgm=SampleSeries("dcgm", 1, units, samples, devices=devices)))


VALUES = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers())


@settings(max_examples=40, deadline=None)
@given(
    engine=st.lists(VALUES, min_size=1, max_size=5),
    used_percent=st.lists(VALUES, min_size=1, max_size=5),
)
def test_any_values_in_recorded_dcgm_samples_give_an_answer(
    engine: list[Any], used_percent: list[Any]
) -> None:
    samples = tuple(
        {
            "unix_ns": ORIGIN_UNIX_NS + i * 1_000_000,
            "gr_engine_active_ratio": [a],
            "gpu_util_percent": [b],
        }
        for i, (a, b) in enumerate(zip(engine, used_percent, strict=False))
    )
    units = {"gr_engine_active_ratio": "ratio", "gpu_util_percent": "%"}
    devices = (SampledDevice("NVIDIA L4", "GPU-0"),)
    used(with_samples(SERVER, dcgm=SampleSeries("dcgm", 1, units, samples, devices=devices)))


def test_the_strategies_reach_pages_that_can_be_read() -> None:
    data = b':tensorflow:serving:request_count{model_name="m",status="OK"} 4\n'
    assert parsed(data) is not None
    with pytest.raises(MetricsParseError):
        metrics_from_bytes(b"# x\n:a{b} c d\n")
