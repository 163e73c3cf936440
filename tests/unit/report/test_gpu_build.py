"""A Report of GPUs holds what the Analysis says, with the sums that are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.model.availability import Unavailable
from diag.model.caveat import Caveat
from diag.model.gaps import LongGap
from diag.report.build import LIMIT_CODES, build_report
from tests.unit.report.factory import (
    MS,
    ORIGIN_UNIX_NS,
    make_analysis,
    make_capture,
    make_verdict,
)
from tests.unit.report.gpu_factory import make_gpu_analysis, make_silent_device


def test_a_devices_shares_are_of_the_window_and_add_up():
    (device,) = build_report(make_gpu_analysis(), make_verdict()).devices
    assert device.busy_share + device.idle_share == pytest.approx(1)
    parts = device.kernel_share + device.copy_share + device.memset_share
    assert parts == pytest.approx(device.busy_share)
    assert (device.starved_share, device.no_demand_share) == (0.26, 0.34)


def test_what_a_silent_device_lacks_keeps_its_reason():
    analysis = replace(make_analysis(), devices=(make_silent_device(),))
    (device,) = build_report(analysis, make_verdict()).devices
    values = [device.busy_ns, device.busy_share, device.idle_share, device.bytes_in]
    assert [isinstance(value, Unavailable) for value in values] == [True] * 4


def test_idle_time_is_split_by_confidence_and_adds_up():
    (timeline,) = build_report(make_gpu_analysis(), make_verdict()).timelines
    assert (timeline.high_ns, timeline.medium_ns, timeline.low_ns) == (56 * MS, 8 * MS, 2 * MS)
    gaps = {gap.cause: gap for gap in timeline.gaps}
    for gap in timeline.gaps:
        assert gap.high_ns + gap.medium_ns + gap.low_ns == gap.idle_ns
    assert (gaps["preprocess"].high_ns, gaps["preprocess"].medium_ns) == (17 * MS, 4 * MS)
    assert (gaps["launch"].confidence, gaps["preprocess"].confidence) == ("medium", "high")


def test_the_runner_up_is_the_one_with_most_time():
    (timeline,) = build_report(make_gpu_analysis(), make_verdict()).timelines
    gaps = {gap.cause: gap for gap in timeline.gaps}
    assert (gaps["preprocess"].runner_up, gaps["preprocess"].runner_up_ns) == (
        "queue-fill",
        17 * MS,
    )
    assert gaps["no-demand"].runner_up == Unavailable("no other evidence")


def test_waiting_and_recoverable_time_are_passed_on():
    (timeline,) = build_report(make_gpu_analysis(), make_verdict()).timelines
    assert (timeline.waiting_ns, timeline.waiting_share) == (32 * MS, 0.32)
    assert timeline.recoverable_ns_per_second == 260 * MS


def test_a_long_gap_tells_when_how_long_why_and_who_waited():
    (timeline,) = build_report(make_gpu_analysis(), make_verdict()).timelines
    gap = timeline.longest[1]
    assert (gap.offset_ns, gap.idle_ns, gap.waiting_requests) == (0, 22 * MS, 12)
    assert gap.start_unix_ns == str(ORIGIN_UNIX_NS)
    first, second = gap.waiting
    assert (first.request, first.doing, first.doing_ns) == (0, "preprocess", 6 * MS)
    assert (second.request, second.doing_ns) == (Unavailable("the window cut it"), 11 * MS)


def test_pieces_of_a_long_gap_with_one_cause_are_summed():
    (timeline,) = build_report(make_gpu_analysis(), make_verdict()).timelines
    assert [(part.cause, part.idle_ns) for part in timeline.longest[2].causes] == [
        ("preprocess", 4 * MS),
        ("launch", 2 * MS),
    ]


def test_long_gaps_go_to_their_own_timeline():
    timelines = build_report(make_gpu_analysis(devices=2), make_verdict()).timelines
    assert [len(timeline.longest) for timeline in timelines] == [3, 3]
    gap = LongGap(1, 0, MS, (), (), 0)
    analysis = replace(make_gpu_analysis(devices=2), longest_gaps=(gap,))
    timelines = build_report(analysis, make_verdict()).timelines
    assert [len(timeline.longest) for timeline in timelines] == [0, 1]


def test_rows_that_no_event_tells_are_not_minus_one():
    (cost,) = build_report(make_gpu_analysis(), make_verdict()).device_costs
    assert isinstance(cost.curve[0].rows, Unavailable)
    assert [point.rows for point in cost.curve[1:]] == [4, 8]


def test_each_device_is_sampled_by_itself():
    series = build_report(make_gpu_analysis(), make_verdict()).series[1]
    assert (series.taken_by, series.cost.cpu_share) == ("gpu-7:9500", 0.005)
    first, second = series.devices
    assert {f.field: f.mean for f in first.fields}["utilization_percent"] == 75
    assert {f.field: f.mean for f in second.fields}["utilization_percent"] == Unavailable(
        "not available in MIG mode"
    )
    assert [(limit.reason, limit.share) for limit in first.clock_limits] == [
        ("sw-power-cap", 1.0),
        ("sw-thermal-slowdown", 0.5),
    ]


@pytest.mark.parametrize("code", sorted(LIMIT_CODES))
def test_a_limit_has_the_text_of_its_caveat_without_the_advice(code):
    facts = (
        ("planes_count", 1),
        ("gpus_count", 1),
        ("is_mig", False),
        ("sampled_sources", ("nvml",)),
        ("sampled_devices", ("Acme Inc. A100 (GPU 0)",)),
        ("busy_ratios", (0.5,)),
        ("is_of_window", True),
        ("cupti_access", "refused"),
    )
    caveat = Caveat(code, (), facts, "allow-gpu-tracing")
    report = build_report(replace(make_analysis(), caveats=(caveat,)), make_verdict())
    (part,), (limit,) = report.caveats, report.limits
    assert part.advice.startswith("CUPTI refused")
    assert (limit.code, limit.text, limit.advice) == (code, part.text, "")


def test_other_caveats_are_no_limits():
    assert build_report(make_gpu_analysis(), make_verdict()).limits == ()


def test_an_exporter_that_was_asked_for_and_failed_says_why():
    why = Unavailable("http://host:9400/metrics: connection refused")
    capture = replace(
        make_capture(), dcgm_samples=why, manifest={"sources": {"dcgm": {"status": "unavailable"}}}
    )
    series = build_report(make_analysis(capture=capture), make_verdict()).series
    assert [(part.source, part.fields) for part in series[2:]] == [("dcgm", why)]


def test_an_exporter_that_nobody_asked_for_is_not_missed():
    capture = replace(make_capture(), manifest={"sources": {"gpu": {"status": "ok"}}})
    series = build_report(make_analysis(capture=capture), make_verdict()).series
    assert [part.source for part in series] == ["host", "gpu"]
