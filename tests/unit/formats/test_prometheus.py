"""Prometheus text as TensorFlow Serving writes it, and text that is none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.errors import MetricsParseError
from diag.formats.text.prometheus import (
    LINE_MAX_CHARACTERS,
    metrics_from_bytes,
    parse_metrics,
    parse_named,
)
from diag.model.samples import MetricSample

# As tensorflow_serving/util/prometheus_exporter.cc prints it: no HELP, no EOF, names with colons.
SERVING_TEXT = """\
# TYPE :tensorflow:serving:request_count counter
:tensorflow:serving:request_count{model_name="resnet",status="OK"} 412
# TYPE :tensorflow:serving:request_latency histogram
:tensorflow:serving:request_latency_bucket{model_name="r",API="predict",le="10"} 0
:tensorflow:serving:request_latency_bucket{model_name="r",API="predict",le="+Inf"} 41
:tensorflow:serving:request_latency_sum{model_name="r",API="predict"} 5.22e+06
:tensorflow:serving:request_latency_count{model_name="r",API="predict"} 412
# TYPE :tensorflow:core:graph_runs counter
:tensorflow:core:graph_runs{} 103
"""


def test_names_come_out_exactly_as_exposed() -> None:
    samples = parse_metrics(SERVING_TEXT)
    assert [sample.name for sample in samples] == [
        ":tensorflow:serving:request_count",
        ":tensorflow:serving:request_latency_bucket",
        ":tensorflow:serving:request_latency_bucket",
        ":tensorflow:serving:request_latency_sum",
        ":tensorflow:serving:request_latency_count",
        ":tensorflow:core:graph_runs",
    ]
    assert samples[0].labels == (("model_name", "resnet"), ("status", "OK"))
    assert samples[1].labels[-1] == ("le", "10")
    assert samples[2].labels[-1] == ("le", "+Inf")
    assert [sample.value for sample in samples] == [412, 0, 41, 5.22e6, 412, 103]
    assert samples[5].labels == ()


@pytest.mark.parametrize(
    ("line", "sample"),
    [
        ("a 1", MetricSample("a", (), 1.0)),
        ("a_total 1", MetricSample("a_total", (), 1.0)),
        ("  a\t1  ", MetricSample("a", (), 1.0)),
        ("a 1 1700000000000", MetricSample("a", (), 1.0)),
        ("a{} -2.5e-3\r", MetricSample("a", (), -0.0025)),
        ('a{x="",} 1', MetricSample("a", (("x", ""),), 1.0)),
        (r'a{x="C:\\dir\n\"q\""} 1', MetricSample("a", (("x", 'C:\\dir\n"q"'),), 1.0)),
        ('a{x="} # , = {"} 1', MetricSample("a", (("x", "} # , = {"),), 1.0)),
        ('a{x="модель"} +Inf', MetricSample("a", (("x", "модель"),), math.inf)),
    ],
)
def test_labels_and_values_are_read(line: str, sample: MetricSample) -> None:
    assert parse_metrics(f"# a comment\n\n{line}\n") == (sample,)


def test_a_value_may_be_no_number() -> None:
    (sample,) = parse_metrics("a NaN\n")
    assert math.isnan(sample.value)


def test_no_text_has_no_samples() -> None:
    assert parse_metrics("") == ()
    assert metrics_from_bytes(b"# TYPE a counter\n") == ()


@pytest.mark.parametrize(
    "line",
    [
        "<html><body>404</body></html>",
        "a",
        "a one",
        "a{x=1} 1",
        'a{x="1" 1',
        'a{x="1"} ',
        'a{x="1",x="2"} 1',
        '{"error": "not found"}',
        "a-b 1",
        "1",
        "a" + "9" * LINE_MAX_CHARACTERS + " 1",
    ],
)
def test_what_is_no_sample_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(MetricsParseError, match=r"^line 3 of the metrics") as caught:
        parse_metrics(f"a 1\nb 2\n{line}\nc 3\n")
    assert "metrics URL" in caught.value.hint
    assert len(caught.value.message) < 160


def test_bytes_that_are_no_text_are_refused_by_their_line() -> None:
    with pytest.raises(MetricsParseError, match="line 2 of the metrics is not UTF-8"):
        metrics_from_bytes(b"a 1\nb \xff\n")


@given(
    st.sampled_from(['{a="1"}', '{a="}"}', '{a="1",b="x} 5 "}', "{}"]),
    st.sampled_from(["5", "-5.25", "NaN", "+Inf", "1e3", "9223372036854775794"]),
    st.sampled_from(["", " 1700000000123", " 99999999999999999999", "  "]),
)
def test_labels_that_were_seen_before_change_nothing(labels: str, value: str, stamp: str) -> None:
    first, second, other = parse_named(
        f"m{labels} {value}{stamp}\nm{labels} {value}{stamp}\nn{labels} {value}{stamp}\n",
        {"m", "n"},
    )
    assert str(second) == str(first)
    assert str(other) == str(first).replace("'m'", "'n'")


@pytest.mark.parametrize("tail", ["0x10", "1_0", "5,", ""])
def test_no_number_is_none_after_labels_that_were_seen_before_either(tail: str) -> None:
    with pytest.raises(MetricsParseError, match="line 2"):
        list(parse_named(f'm{{a="1"}} 5\nm{{a="1"}} {tail}\n', {"m"}))
