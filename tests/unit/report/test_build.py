"""A Report holds what the Analysis says, and nothing that JSON cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.model.availability import Unavailable
from diag.report.build import build_report
from tests.unit.report.factory import (
    MS,
    ORIGIN_UNIX_NS,
    make_analysis,
    make_capture,
    make_rich_capture,
    make_verdict,
)


def test_groups_are_the_sums_of_their_stages():
    model = build_report(make_analysis(), make_verdict()).models[0]
    groups = {group.group: group for group in model.groups}
    assert list(groups) == ["preprocessing", "queueing", "batching", "compute", "other"]
    assert groups["queueing"].share == pytest.approx(8 / 12)
    assert groups["queueing"].mean_ns == 8 * MS
    assert groups["compute"].tail_ns == -0.5 * MS
    assert sum(group.share for group in model.groups) == pytest.approx(1)


def test_a_group_of_unknown_stages_is_itself_unknown():
    model = build_report(make_analysis(), make_verdict()).models[0]
    assert [group.group for group in model.groups if not group.known] == ["preprocessing"]


def test_a_sum_with_a_missing_part_is_missing_with_its_reason():
    analysis = make_analysis()
    model = analysis.models[0]
    why = Unavailable("too few requests")
    stages = tuple(replace(stage, tail_ns=why) for stage in model.stages)
    analysis = replace(analysis, models=(replace(model, stages=stages, tail_ns=why),))
    groups = build_report(analysis, make_verdict()).models[0].groups
    assert [group.tail_ns for group in groups[1:]] == [why] * 4


def test_wall_clock_nanoseconds_are_strings_and_the_date_is_utc():
    facts = build_report(make_analysis(), make_verdict()).capture
    assert facts.start_unix_ns == str(ORIGIN_UNIX_NS)
    assert facts.start_utc == "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize("origin", [2**63 - 1, -(2**63), 0])
def test_a_start_time_from_a_hostile_trace_is_a_date_or_says_why_not(origin):
    capture = replace(make_capture(), origin_unix_ns=origin)
    facts = build_report(make_analysis(capture=capture), make_verdict()).capture
    assert isinstance(facts.start_utc, str | Unavailable)
    assert facts.start_unix_ns == str(origin)


def test_without_an_origin_the_reason_takes_its_place():
    why = Unavailable("the trace has no start time")
    capture = replace(make_capture(), origin_unix_ns=why)
    facts = build_report(make_analysis(capture=capture), make_verdict()).capture
    assert facts.start_utc == facts.start_unix_ns == why


def test_gaps_come_with_their_number_and_their_longest_most_time_first():
    timeline = build_report(make_analysis(), make_verdict()).timelines[0]
    assert [(gap.cause, gap.pieces, gap.longest_ns) for gap in timeline.gaps] == [
        ("no-demand", 1, 50 * MS),
        ("queue-fill", 2, 20 * MS),
    ]
    assert [gap.starvation for gap in timeline.gaps] == [False, True]
    assert sum(gap.share_of_idle for gap in timeline.gaps) == pytest.approx(1)
    assert timeline.busy_ns + timeline.idle_ns == 100 * MS


def test_numbers_that_json_lacks_become_unavailable():
    verdict = make_verdict()
    broken = replace(verdict, evidence=(replace(verdict.evidence[0], value=float("nan")),))
    report = build_report(make_analysis(), broken)
    assert report.verdict.evidence[0].value == Unavailable("not a finite number")


def test_a_bundle_adds_samples_metrics_and_the_observer_effect():
    report = build_report(make_analysis(capture=make_rich_capture()), make_verdict())
    host, gpu = report.series
    cpu = {field.field: field for field in host.fields}["cpu_percent"]
    assert (cpu.mean, cpu.max) == (45.0, 100.0)
    assert gpu.fields == Unavailable("no NVIDIA driver on this host")
    assert report.metrics[0].outside_mean_ns == 3 * MS
    assert [(o.phase, o.measure, o.value, o.unit) for o in report.observer] == [
        ("before", "calls", 90, ""),
        ("before", "p50", 4.0, "ms"),
        ("during", "p50", 4.5, "ms"),
    ]
    assert report.capture.server_models == ("convnet v1 AVAILABLE",)


def test_a_bare_trace_says_why_there_is_nothing_beside_it():
    report = build_report(make_analysis(), make_verdict())
    assert isinstance(report.metrics, Unavailable)
    assert isinstance(report.observer, Unavailable)
    assert [series.samples for series in report.series] == [0, 0]
