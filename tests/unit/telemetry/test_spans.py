"""Requests, batches and idle time as spans."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from diag.analysis.pipeline import analyze
from diag.analysis.result import Analysis
from diag.errors import InputError, UsageError
from diag.formats.redaction.source import redact
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.serving import STAGES
from diag.model.spans import Span
from diag.telemetry.idle_spans import longest_gaps
from diag.telemetry.request_spans import LINKS_MAX
from diag.telemetry.spans import make_spans
from tests.conftest import sample_path
from tests.unit.report.factory import MS, ORIGIN_UNIX_NS, make_analysis

BUNDLE = "demo-batch-timeout"


@pytest.fixture(name="sample", scope="module")
def _sample() -> Analysis:
    return analyze(open_bundle(sample_path(BUNDLE) / "bundle.zip"))


def spans_of(analysis: Analysis, max_requests: int = 10_000) -> list[Span]:
    return list(make_spans(analysis, max_requests).spans)


def named(spans: list[Span], begin: str) -> list[Span]:
    return [span for span in spans if span.name.startswith(begin) and not span.parent_id]


def children_of(spans: list[Span], root: Span) -> list[Span]:
    return [
        span
        for span in spans
        if span.key.trace_id == root.key.trace_id and span.parent_id == root.key.span_id
    ]


def test_stages_of_a_request_follow_each_other_and_add_up_to_its_row(sample: Analysis) -> None:
    spans = spans_of(sample)
    roots = named(spans, "request dense:1")
    assert len(roots) == len(sample.requests) == 112
    total: Counter[str] = Counter()
    for root in roots:
        pieces = children_of(spans, root)
        edges = [root.start_unix_ns, *(piece.end_unix_ns for piece in pieces)]
        assert [piece.start_unix_ns for piece in pieces] == edges[:-1]
        assert edges[-1] == root.end_unix_ns
        for piece in pieces:
            total[piece.name] += piece.end_unix_ns - piece.start_unix_ns
    for stage in STAGES:
        assert total[stage.value] == sample.requests.stage_ns[:, stage.index].sum(), stage


def test_a_request_links_to_its_batches_and_its_queue_time_names_them(sample: Analysis) -> None:
    spans = spans_of(sample)
    batches = {span.key: dict(span.attributes) for span in named(spans, "batch dense:1")}
    assert len(batches) == len(sample.batches)
    for root in named(spans, "request"):
        waits = [span for span in children_of(spans, root) if span.name == "queue-fill"]
        linked = [batches[key]["diag.batch.id"] for key in root.links]
        assert linked
        assert {dict(span.attributes)["diag.batch.id"] for span in waits} <= set(linked)
    assert dict(named(spans, "batch")[1].attributes) == {
        "diag.batch.id": str(sample.batches.id[1]),
        "diag.queue": sample.batches.queues[0].key,
        "diag.model": "dense:1",
        "diag.batch.rows": 2,
        "diag.batch.padded_rows": 2,
        "diag.batch.tasks": 2,
        "diag.batch.closed_by": "timeout",
    }


def test_work_of_a_run_bears_tensorflows_step_id(sample: Analysis) -> None:
    spans = spans_of(sample)
    steps = [dict(span.attributes).get("diag.step_id") for span in spans if span.name == "compute"]
    assert None not in steps
    assert len(set(steps)) > 50


def test_ids_are_valid_unique_and_the_same_in_every_export(sample: Analysis) -> None:
    spans = spans_of(sample)
    assert spans == spans_of(sample)
    assert len({span.key for span in spans}) == len(spans)
    keys = {(span.key.trace_id, span.key.span_id) for span in spans}
    for span in spans:
        assert (len(span.key.trace_id), len(span.key.span_id)) == (16, 8)
        assert any(span.key.trace_id)
        assert any(span.key.span_id)
        assert not span.parent_id or (span.key.trace_id, span.parent_id) in keys
        assert all((key.trace_id, key.span_id) in keys for key in span.links)


def test_another_capture_has_other_ids(sample: Analysis) -> None:
    later = replace(sample.capture, origin_unix_ns=sample.capture.origin_unix_ns + 1)
    first, second = (spans_of(each) for each in (sample, replace(sample, capture=later)))
    assert not {span.key for span in first} & {span.key for span in second}


def test_without_names_the_ids_and_times_are_the_same(sample: Analysis) -> None:
    path = sample_path(BUNDLE) / "bundle.zip"
    copy = analyze(redact(path, b"0" * 32).open())
    ours, theirs = spans_of(sample), spans_of(copy)
    assert [(s.key, s.start_unix_ns, s.end_unix_ns) for s in ours] == [
        (s.key, s.start_unix_ns, s.end_unix_ns) for s in theirs
    ]
    text = repr((make_spans(copy).resource, theirs))
    assert "dense" in repr(ours)
    assert "dense" not in text


def test_of_too_many_requests_the_slowest_are_taken_with_their_batches(sample: Analysis) -> None:
    found = make_spans(sample, 10)
    spans = list(found.spans)
    rows = {dict(span.attributes)["diag.request"] for span in named(spans, "request")}
    slowest = np.argsort(-sample.requests.duration_ns, kind="stable")[:10]
    assert rows == set(slowest.tolist())
    assert found.left_out == ("102 of 112 requests are left out, the fastest ones.",)
    linked = {key for span in named(spans, "request") for key in span.links}
    without = set(range(len(sample.batches))) - set(sample.requests.batch_index.tolist())
    batches = {span.key for span in named(spans, "batch")}
    assert linked <= batches
    assert len(batches) == len(linked) + len(without)


def test_idle_time_is_a_trace_of_each_device(sample: Analysis) -> None:
    spans = spans_of(sample)
    (root,) = named(spans, "idle time of cpu-execution")
    pieces = children_of(spans, root)
    by_cause: Counter[str] = Counter()
    for piece in pieces:
        cause = str(dict(piece.attributes)["diag.idle.cause"])
        assert piece.name == f"idle {cause}"
        by_cause[cause] += piece.end_unix_ns - piece.start_unix_ns
    (idle,) = sample.idle
    assert by_cause == {c.value: ns for c, ns in idle.by_cause_ns.items() if ns}
    facts = dict(root.attributes)
    assert facts["diag.idle_ns"] == idle.idle_ns
    assert facts["diag.busy_ns"] == idle.timeline.busy_ns


def test_of_many_pieces_of_idle_time_the_longest_are_taken() -> None:
    # Pieces of 10, 50 and 20 ms.
    assert [longest_gaps(make_analysis(), 0, count).tolist() for count in (1, 2, 5)] == [
        [1],
        [1, 2],
        [0, 1, 2],
    ]


def test_a_request_whose_batch_did_not_run_is_an_error() -> None:
    analysis = make_analysis()
    batches = replace(analysis.batches, is_failed=np.array([True, False]))
    spans = spans_of(replace(analysis, batches=batches))
    assert [span.error for span in named(spans, "request convnet")] == [
        "its batch did not run",
        "its batch did not run",
        "",
    ]
    assert [span.error for span in named(spans, "batch")] == ["it did not run", ""]


def test_requests_that_joined_no_batch_are_errors_from_begin_to_end() -> None:
    analysis = make_analysis()
    failures = replace(
        analysis.failures,
        unscheduled=1,
        uncalled_start_ns=np.array([7]),
        uncalled_end_ns=np.array([9]),
        refused_rows=np.array([1, -1, 1, 1]),
    )
    spans = spans_of(replace(analysis, failures=failures))
    assert [
        (span.name, span.start_unix_ns - ORIGIN_UNIX_NS, span.end_unix_ns - span.start_unix_ns)
        for span in spans
        if span.error
    ] == [
        ("request uncalled", 7, 2),
        ("request refused", 0, MS),
        ("request refused", 1, MS),
        ("request refused", 2, MS),
        ("request refused", 3, MS),
    ]
    refused = named(spans, "request refused")
    assert {span.error for span in refused} == {"refused by the batch scheduler"}
    rows = (("diag.rows", 1),)
    assert [span.attributes for span in refused] == [rows, (), rows, rows]


def test_what_is_left_out_is_said() -> None:
    assert make_spans(make_analysis(), 2).left_out == (
        "1 of 3 requests are left out, the fastest ones.",
        "Stages are left out: built by hand.",
    )


def test_links_of_a_request_in_very_many_batches_are_limited() -> None:
    analysis = make_analysis()
    requests = replace(
        analysis.requests,
        batch_offsets=np.array([0, 0, 0, LINKS_MAX + 3]),
        batch_index=np.zeros(LINKS_MAX + 3, np.int32),
    )
    spans = named(spans_of(replace(analysis, requests=requests)), "request convnet")
    assert [(len(span.links), span.links_left_out) for span in spans] == [
        (0, 0),
        (0, 0),
        (LINKS_MAX, 3),
    ]


def test_iterations_of_a_python_loop_are_traces_with_their_model_call() -> None:
    analysis = analyze(open_bundle(sample_path("loop-naive") / "bundle.zip"))
    assert not isinstance(analysis.loops, Unavailable)
    found = make_spans(analysis)
    spans = list(found.spans)
    roots = named(spans, "iteration")
    assert len(roots) == len(analysis.loops.iterations) > 5
    for root in roots:
        (model,) = children_of(spans, root)
        assert root.start_unix_ns <= model.start_unix_ns <= model.end_unix_ns <= root.end_unix_ns
        stages = [v for k, v in root.attributes if k.startswith("diag.stage_")]
        assert sum(map(int, stages)) == root.end_unix_ns - root.start_unix_ns
    assert dict(found.resource)["service.name"] == "unknown_service"


def test_the_resource_is_the_server_as_the_bundle_names_it(sample: Analysis) -> None:
    assert make_spans(sample).resource == (
        ("service.name", "tensorflow-serving"),
        ("service.instance.id", "127.0.0.1:8500"),
        ("host.name", "localhost"),
        ("diag.source", "bundle.zip"),
        ("diag.program", "serving"),
        ("diag.models", "dense:1"),
    )


@pytest.mark.parametrize("origin", [Unavailable("no start time"), 0, -5, 2**62, 2**63], ids=str)
def test_without_a_possible_time_of_day_there_are_no_spans(origin: int | Unavailable) -> None:
    analysis = make_analysis()
    capture = replace(analysis.capture, origin_unix_ns=origin)
    with pytest.raises(InputError, match="the source has no time of day") as caught:
        make_spans(replace(analysis, capture=capture))
    assert "record again with diag capture" in caught.value.hint


def test_at_least_one_request_is_asked_for() -> None:
    with pytest.raises(UsageError, match="must be at least 1"):
        make_spans(make_analysis(), 0)
