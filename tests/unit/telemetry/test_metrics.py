"""Totals of an analysis as metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diag.analysis.pipeline import analyze
from diag.analysis.result import Analysis
from diag.errors import UsageError
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.gaps import IDLE_CAUSES
from diag.model.loops import LOOP_STAGES
from diag.model.serving import STAGES
from diag.telemetry.encode import encode_metrics
from diag.telemetry.names import METRIC_FORMATS
from diag.telemetry.series import label_values
from diag.telemetry.spans import make_spans
from tests.conftest import sample_path
from tests.unit.report.factory import MS, ORIGIN_UNIX_NS, make_analysis
from tests.unit.telemetry.series import Series, series_in, value_of

FORMATS = tuple(METRIC_FORMATS)
# Of make_analysis: two of three requests are complete.
EXPECTED = """
    diag_window_seconds                                                           0.1
    diag_stage_seconds_total    model=convnet stage=queue-fill                    0.016
    diag_stage_seconds_total    model=convnet stage=compute                       0.006
    diag_stage_seconds_total    model=convnet stage=batch-split                   0
    diag_failed_requests_total                                                    4
    diag_batches_total          model=convnet queue=4f3a0001 closed_by=timeout    1
    diag_batches_total          model=convnet queue=4f3a0001 closed_by=size       0
    diag_busy_seconds_total     device=cpu-execution                              0.02
    diag_idle_seconds_total     device=cpu-execution cause=queue-fill             0.03
    diag_idle_seconds_total     device=cpu-execution cause=launch                 0
    diag_request_duration_seconds_bucket  model=convnet le=0.01                   0
    diag_request_duration_seconds_bucket  model=convnet le=0.025                  2
    diag_request_duration_seconds_count   model=convnet                           2
    diag_request_duration_seconds_sum     model=convnet                           0.024
"""


@pytest.fixture(name="sample", scope="module")
def _sample() -> Analysis:
    return analyze(open_bundle(sample_path("demo-batch-timeout") / "bundle.zip"))


def page_of(analysis: Analysis, format_: str) -> Series:
    return series_in(encode_metrics(analysis, format_), format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_totals_are_those_of_the_tables(format_: str) -> None:
    found = page_of(make_analysis(), format_)
    for line in EXPECTED.strip().splitlines():
        name, *labels, value = line.split()
        assert value_of(found, name, **dict(label.split("=") for label in labels)) == float(value)


def test_both_formats_have_the_same_numbers(sample: Analysis) -> None:
    prometheus, openmetrics = (page_of(sample, format_) for format_ in FORMATS)
    shared = {key for key in openmetrics if not key[0].endswith("_created")}
    assert {key: prometheus[key].value for key in prometheus} == {
        key: openmetrics[key].value for key in shared
    }
    assert len(shared) > 50


def test_stages_add_up_to_the_duration_and_idle_and_busy_time_to_the_window(
    sample: Analysis,
) -> None:
    found = page_of(sample, "prometheus")
    stages = [sample_.value for key, sample_ in found.items() if key[0].startswith("diag_stage")]
    idle = [sample_.value for key, sample_ in found.items() if key[0] == "diag_idle_seconds_total"]
    assert len(stages) == len(STAGES)
    assert len(idle) == len(IDLE_CAUSES)
    model = sample.models[0].model
    duration_s = value_of(found, "diag_request_duration_seconds_sum", model=model)
    assert sum(stages) == pytest.approx(duration_s, abs=1e-9)
    busy_s = value_of(found, "diag_busy_seconds_total", device="cpu-execution")
    assert busy_s + sum(idle) == pytest.approx(value_of(found, "diag_window_seconds"), abs=1e-9)


def test_what_node_exporter_refuses_is_not_in_the_prometheus_format(sample: Analysis) -> None:
    lines = encode_metrics(sample, "prometheus").decode().splitlines()
    assert {line.split()[1] for line in lines if line.startswith("#")} == {"HELP", "TYPE"}
    samples = [line for line in lines if not line.startswith("#")]
    assert [line for line in samples if " # " in line or "_created" in line] == []
    # A timestamp would be a further word after the value.
    assert all(line.rpartition("}")[2].split()[-1:] == line.split()[-1:] for line in samples)
    assert "# TYPE diag_stage_seconds_total counter" in lines


def test_openmetrics_tells_when_and_ends_with_eof(sample: Analysis) -> None:
    text = encode_metrics(sample, "openmetrics").decode()
    assert text.endswith("\n# EOF\n")
    assert "# UNIT diag_stage_seconds seconds\n" in text
    origin = sample.capture.origin_unix_ns
    assert isinstance(origin, int)
    end, begin = origin + sample.capture.window.end_ns, origin + sample.capture.window.start_ns
    found = series_in(text.encode(), "openmetrics")
    times = {
        each.timestamp.sec * 10**9 + each.timestamp.nsec
        for each in found.values()
        if each.timestamp is not None
    }
    assert times == {end}
    created = {each.value for key, each in found.items() if key[0].endswith("_created")}
    assert created == {begin / 1e9}


def test_the_exemplar_of_a_bucket_is_the_trace_of_its_slowest_request(sample: Analysis) -> None:
    roots = {span.key: span for span in make_spans(sample).spans if not span.parent_id}
    slowest: dict[float, tuple[int, float]] = {}
    for row, duration_ns in enumerate(sample.requests.duration_ns.tolist()):
        bound = next(b for b in (0.025, 0.05, 0.1) if duration_ns <= b * 1e9)
        slowest[bound] = max(slowest.get(bound, (0, 0)), (duration_ns, row))
    found = page_of(sample, "openmetrics")
    exemplars = {
        float(each.labels["le"]): each.exemplar for each in found.values() if each.exemplar
    }
    assert set(exemplars) == set(slowest) == {0.025, 0.05, 0.1}
    for bound, exemplar in exemplars.items():
        duration_ns, row = slowest[bound]
        (span,) = (
            span for key, span in roots.items() if key.trace_id.hex() == exemplar.labels["trace_id"]
        )
        assert span.key.span_id.hex() == exemplar.labels["span_id"]
        assert dict(span.attributes)["diag.request"] == row
        assert exemplar.value == duration_ns / 1e9
        end = exemplar.timestamp
        assert end.sec * 10**9 + end.nsec == span.end_unix_ns


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_not_known_is_left_out_with_its_reason(format_: str) -> None:
    analysis = make_analysis()
    analysis = replace(
        analysis,
        capture=replace(analysis.capture, origin_unix_ns=Unavailable("no start time")),
        counts=replace(analysis.counts, requests=Unavailable("level 1 hides them")),
    )
    found = page_of(analysis, format_)
    reasons = {
        (each.labels["metric"], each.labels.get("stage", "")): each.labels["reason"]
        for (name, _), each in found.items()
        if name == "diag_missing_info"
    }
    assert reasons["diag_window_end_timestamp_seconds", ""] == "no start time"
    assert reasons["diag_request_duration_seconds", ""] == "level 1 hides them"
    assert reasons["diag_stage_seconds", "preprocess"] == "no event shows this stage"
    names = {name for name, _ in found}
    assert "diag_window_end_timestamp_seconds" not in names
    stages = {dict(labels)["stage"] for name, labels in found if name == "diag_stage_seconds_total"}
    assert "preprocess" not in stages
    assert all(each.timestamp is None and each.exemplar is None for each in found.values())


def test_findings_and_rules_without_their_source_are_told_apart(sample: Analysis) -> None:
    found = page_of(sample, "prometheus")
    labels = {dict(key[1])["rule"]: dict(key[1]) for key in found if key[0] == "diag_findings"}
    assert labels["batch-timeout-dominates"]["cause"] == "queue-fill"
    missing = {
        each.labels["rule"]: each.labels["reason"]
        for each in found.values()
        if each.labels.get("metric") == "diag_findings"
    }
    assert missing
    assert not set(missing) & set(labels)
    assert all(missing.values())


def test_iterations_of_a_python_loop_have_their_stages() -> None:
    analysis = analyze(open_bundle(sample_path("loop-naive") / "bundle.zip"))
    assert not isinstance(analysis.loops, Unavailable)
    table = analysis.loops.iterations
    found = page_of(analysis, "prometheus")
    times = [each for key, each in found.items() if key[0] == "diag_iteration_stage_seconds_total"]
    assert len(times) == len(LOOP_STAGES) * len(table.threads)
    total_ns = int(np.diff([table.start_ns, table.end_ns], axis=0)[0][table.complete].sum())
    assert sum(each.value for each in times) == pytest.approx(total_ns / 1e9, abs=1e-9)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('say "hi"\\', 'say "hi"\\'),
        ("two\nlines", "two\\x0alines"),
        ("\x1b[31m", "\\x1b[31m"),
        ("half \udc80", "half \\udc80"),
        ("modèle:1", "modèle:1"),
        ("} 1\n# EOF", "} 1\\x0a# EOF"),
    ],
)
def test_names_from_outside_stay_inside_their_label(name: str, shown: str, format_: str) -> None:
    found = page_of(make_analysis(name, queue_key=name), format_)
    assert value_of(found, "diag_request_duration_seconds_count", model=shown) == 2
    assert value_of(found, "diag_batches_total", model=shown, queue=shown, closed_by="timeout") == 1


def test_names_that_look_alike_remain_different() -> None:
    assert list(label_values(["a", "\x1b", "\\x1b", "a"])) == ["a", "\\x1b", "\\x1b #2", "a #2"]


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        encode_metrics(make_analysis(), "statsd")
    assert caught.value.hint == "the formats: prometheus, openmetrics"


def test_the_end_of_the_window_is_on_the_servers_clock() -> None:
    found = page_of(make_analysis(), "prometheus")
    # In us: no more digits of a time since 1970 fit the formats' 64-bit numbers.
    end_us = value_of(found, "diag_window_end_timestamp_seconds") * 1e6
    assert round(end_us) == (ORIGIN_UNIX_NS + 100 * MS) // 1000


@pytest.mark.parametrize(
    "source", ["demo-batch-timeout", "no-batching", "loop-naive"], ids=["batched", "not", "loop"]
)
def test_every_family_has_values_or_a_reason(source: str) -> None:
    folder = sample_path(source)
    bundle = folder / "bundle.zip"
    analysis = analyze(open_bundle(bundle if bundle.exists() else folder / "server.xplane.pb"))
    found = page_of(analysis, "prometheus")
    missing = {each.labels.get("metric") for each in found.values()} - {None}
    shown = {name for name, _ in found}
    for family in (
        "diag_window_end_timestamp_seconds",
        "diag_request_duration_seconds",
        "diag_stage_seconds",
        "diag_failed_requests",
        "diag_batches",
        "diag_busy_seconds",
        "diag_idle_seconds",
        "diag_iteration_stage_seconds",
    ):
        has_values = any(name.startswith(family) for name in shown)
        assert has_values or family in missing, family
