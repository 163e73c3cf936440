"""Traced against sampled busy time: each outcome on a small exact case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from diag.analysis.samples.clock_alignment import AlignedSeries, align
from diag.analysis.samples.nvml import nvml_readings
from diag.model.agreement import (
    AgreementKind,
    AgreementReason,
    Averaging,
    AveragingKind,
    OtherProcess,
)
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SampleSeries
from tests.unit.analysis.samples.captures import (
    L4,
    MS,
    ORIGIN_UNIX_NS,
    check,
    checks,
    driver_samples,
    kernels,
    nvml,
    shares_of,
    traced,
    with_samples,
)

# 60 of every 100 ms, so that every whole period of 200 ms holds 60 %.
SPANS = [(start, start + 60) for start in range(0, 2000, 100)]
SIXTY = traced(kernels(SPANS))
SERVER = {
    "pid": 41,
    "name": "tensorflow_mode",
    "is_server": True,
    "memory_bytes": 9,
    "sm_percent": 55,
}


def with_processes(records: list[dict[str, Any]], device: int = 0) -> dict[str, Any]:
    return {"unix_ns": ORIGIN_UNIX_NS + 5 * MS, "processes": [*[None] * device, records]}


def test_samples_that_the_trace_accounts_for_agree() -> None:
    found = check(with_samples(SIXTY, nvml(driver_samples([60] * 10))))
    assert found.kind is AgreementKind.AGREE
    assert (found.device, found.source) == ("/device:GPU:0", "nvml")
    assert found.traced_ratio == pytest.approx(0.6)
    assert found.sampled_ratio == pytest.approx(0.6)
    assert found.overlap_ns == 2000 * MS
    assert found.resolution_ns == 200 * MS
    assert found.clock_error_ns == 1 * MS
    assert found.tolerance_ratio == pytest.approx(0.1, abs=0.02)
    assert (found.reason, found.remedy) == (AgreementReason.WITHIN_TOLERANCE, "")
    assert found.averaging == Averaging(
        AveragingKind.DRIVER_SAMPLES, period_ns=200 * MS, span_min_ns=200 * MS, span_max_ns=200 * MS
    )


def test_copies_are_not_what_a_sampler_counts() -> None:
    copies = "\n".join(
        f'MemcpyH2D {a + 60}..{a + 100}ms memcpy_details="kind_src:host kind_dst:device"'
        for a in range(0, 2000, 100)
    )
    capture = traced(f"{kernels(SPANS)}\nline Stream #8(MemcpyH2D)\n{copies}")
    assert check(with_samples(capture, nvml(driver_samples([60] * 10)))).kind is AgreementKind.AGREE
    above = check(with_samples(capture, nvml(driver_samples([100] * 10))))
    assert above.kind is AgreementKind.DISAGREE


def test_gaps_too_short_for_the_driver_may_count_as_busy() -> None:
    """Tiny kernels back to back: 10 us of work every 30 us."""
    spans = [(n * 0.03, n * 0.03 + 0.01) for n in range(20_000)]
    capture = traced(kernels(spans), until_ms=600)
    for percent in (33, 60, 100):
        samples = nvml(driver_samples([percent] * 3))
        found = check(with_samples(capture, samples))
        assert found.kind is AgreementKind.AGREE
    assert found.reason is AgreementReason.SHORT_GAPS
    assert found.traced_ratio == pytest.approx(1 / 3, abs=0.01)
    assert (
        check(with_samples(capture, nvml(driver_samples([9] * 3)))).kind is AgreementKind.DISAGREE
    )


def test_another_process_at_work_is_named_with_its_share() -> None:
    other = {"pid": 77, "name": "python3", "memory_bytes": 1 << 30, "sm_percent": 35}
    idle = {"pid": 78, "name": "notebook", "memory_bytes": 1 << 34}
    samples = (*driver_samples([95] * 10), with_processes([SERVER, other, idle]))
    found = check(with_samples(SIXTY, nvml(samples)))
    assert found.kind is AgreementKind.OTHER_PROCESS
    assert found.others == (
        OtherProcess(77, "python3", 0.35, 1 << 30),
        OtherProcess(78, "notebook", 0.0, 1 << 34),
    )
    assert found.involved == found.others[:1]
    assert (found.reason, found.remedy) == (AgreementReason.OTHERS_WORK_TOO, "dedicate-gpu")


def test_a_process_that_only_holds_memory_is_not_blamed() -> None:
    idle = {"pid": 78, "name": "notebook", "memory_bytes": 1 << 34}
    samples = (*driver_samples([95] * 10), with_processes([SERVER, idle]))
    found = check(with_samples(SIXTY, nvml(samples)))
    assert found.kind is AgreementKind.DISAGREE
    assert found.reason is AgreementReason.OTHERS_IDLE


def test_a_process_too_small_to_explain_the_rest_is_not_blamed() -> None:
    small = {"pid": 78, "name": "exporter", "sm_percent": 5}
    samples = (*driver_samples([95] * 10), with_processes([SERVER, small]))
    found = check(with_samples(SIXTY, nvml(samples)))
    assert found.kind is AgreementKind.DISAGREE
    assert found.reason is AgreementReason.OTHERS_TOO_SMALL
    assert [(each.pid, each.share) for each in found.involved] == [(78, 0.05)]


def test_without_knowing_the_server_one_process_may_be_the_server() -> None:
    only = {"pid": 77, "sm_percent": 95}
    samples = (*driver_samples([95] * 10), with_processes([only]))
    found = check(with_samples(SIXTY, nvml(samples)))
    assert found.kind is AgreementKind.DISAGREE
    assert found.reason is AgreementReason.SERVER_UNKNOWN
    assert [(each.pid, each.share) for each in found.involved] == [(77, 0.95)]
    assert found.others == ()


def test_without_knowing_the_server_the_one_far_busier_than_the_trace_is_another() -> None:
    lightly = traced(kernels([(start, start + 10) for start in range(0, 2000, 100)]))
    records = [{"pid": 77, "sm_percent": 80}, {"pid": 41, "sm_percent": 9}]
    samples = (*driver_samples([90] * 10), with_processes(records))
    found = check(with_samples(lightly, nvml(samples)))
    assert found.kind is AgreementKind.OTHER_PROCESS
    assert [other.pid for other in found.others] == [77]


def test_dropped_events_are_named_as_what_is_missing() -> None:
    warning = (
        "warning Detected GPU events dropped on h: Profiler has collected 9 driver events and 2 "
        "device events. 1234 events dropped because total device(activity) events reaches max;"
    )
    capture = traced(kernels(SPANS), more=warning)
    # The busier one may be the server, of which the trace then holds a part only.
    records = [{"pid": 77, "sm_percent": 90}, {"pid": 41, "sm_percent": 5}]
    unsure = (*driver_samples([95] * 10), with_processes(records))
    assert check(with_samples(capture, nvml(unsure))).kind is AgreementKind.TRACE_TRUNCATED
    found = check(with_samples(capture, nvml(driver_samples([95] * 10))))
    assert found.kind is AgreementKind.TRACE_TRUNCATED
    assert (found.reason, found.dropped_events) == (AgreementReason.EVENTS_DROPPED, 1234)
    assert found.remedy == "capture-shorter"


def test_a_trace_that_ends_long_before_the_samples_grow_quiet_is_truncated() -> None:
    capture = traced(kernels(SPANS[:8]))
    found = check(with_samples(capture, nvml(driver_samples([60] * 10))))
    assert found.kind is AgreementKind.TRACE_TRUNCATED
    assert found.reason is AgreementReason.ENDS_EARLY
    elsewhere = check(with_samples(capture, nvml(driver_samples([95] * 10))))
    assert elsewhere.kind is AgreementKind.DISAGREE


def test_a_trace_that_holds_more_than_was_sampled_disagrees() -> None:
    found = check(with_samples(SIXTY, nvml(driver_samples([10] * 10))))
    assert found.kind is AgreementKind.DISAGREE
    assert found.reason is AgreementReason.TRACE_ABOVE_SAMPLES


def test_the_same_mean_at_other_times_disagrees() -> None:
    capture = traced(kernels([(0, 400), (800, 1200), (1600, 2000)]))
    right = shares_of([(0, 400), (800, 1200), (1600, 2000)], range(200, 2001, 200), 200)
    wrong = [100 - percent for percent in right]
    assert check(with_samples(capture, nvml(driver_samples(right)))).kind is AgreementKind.AGREE
    assert check(with_samples(capture, nvml(driver_samples(wrong)))).kind is AgreementKind.DISAGREE


@pytest.mark.parametrize("offset_ms", [-50, 0, 50])
def test_clocks_that_are_known_to_differ_are_put_right(offset_ms: int) -> None:
    """Work in bursts of one period: shifted by a quarter of it, nothing would fit."""
    bursts = [(200 * n, 200 * n + 200) for n in range(0, 10, 2)]
    samples = driver_samples([100, 0] * 5, start_ms=-offset_ms)
    capture = traced(kernels(bursts))
    found = check(with_samples(capture, nvml(samples), offset_ns=offset_ms * MS))
    assert found.kind is AgreementKind.AGREE
    if offset_ms:
        believed = check(with_samples(capture, nvml(samples), offset_ns=0))
        assert believed.kind is AgreementKind.DISAGREE
        # Within an error that covers the difference, nothing finer is claimed.
        bound = check(with_samples(capture, nvml(samples), offset_ns=0, error_ns=50 * MS))
        assert bound.kind in (AgreementKind.AGREE, AgreementKind.TOO_COARSE)
        assert bound.clock_error_ns == 50 * MS


def test_over_a_run_of_samples_the_clocks_error_counts_once() -> None:
    capture = with_samples(SIXTY, nvml(driver_samples([60] * 10)), error_ns=50 * MS)
    found = check(capture)
    assert found.kind is AgreementKind.AGREE
    assert found.tolerance_ratio < 0.3
    above = check(with_samples(SIXTY, nvml(driver_samples([95] * 10)), error_ns=50 * MS))
    assert above.kind is AgreementKind.DISAGREE


def test_of_quick_samples_a_remote_clocks_error_counts_once_too() -> None:
    """Each may average over up to 167 ms: that too loosens the run's edges alone."""
    half = traced(kernels([(start, start + 50) for start in range(0, 2000, 100)]))
    for percent, kind in ((50, AgreementKind.AGREE), (90, AgreementKind.DISAGREE)):
        samples = nvml(driver_samples([percent] * 100, period_ms=20))
        found = check(with_samples(half, samples, error_ns=150 * MS))
        assert found.kind is kind
        assert 0.1 < found.tolerance_ratio < 0.2


def test_a_run_of_samples_ends_where_one_was_lost() -> None:
    """Eight samples, one that was lost, and one after it that is too short a run."""
    capture = with_samples(
        SIXTY,
        nvml((*driver_samples([60] * 8), *driver_samples([95], start_ms=1800))),
        error_ns=50 * MS,
    )
    assert isinstance(capture.gpu_samples, SampleSeries)
    placed = align(capture, capture.gpu_samples, Unavailable("exact"))
    assert isinstance(placed, AlignedSeries)
    joined = nvml_readings(placed, 0).joined()
    assert joined is not None
    assert joined.share[0] == pytest.approx(0.6)
    assert joined.length_max_ns[0] == 1600 * MS


def test_no_sample_within_the_window_is_too_coarse() -> None:
    found = check(with_samples(SIXTY, nvml(driver_samples([60] * 3, period_ms=2500))))
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.resolution_ns == 2500 * MS
    assert isinstance(found.sampled_ratio, Unavailable)
    assert found.reason is AgreementReason.NO_SAMPLE_IN_WINDOW
    assert found.remedy == "capture-longer"


def test_clocks_that_leave_the_share_open_make_no_check() -> None:
    alternating = traced(kernels([(800, 1200), (1600, 2000)]))
    samples = nvml(driver_samples([90, 90], start_ms=800))
    found = check(with_samples(alternating, samples, error_ns=300 * MS))
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.reason is AgreementReason.CLOCKS_TOO_LOOSE
    assert found.doubt_ratio > 0.5


def test_a_source_without_a_clock_is_not_compared() -> None:
    capture = replace(with_samples(SIXTY, nvml(driver_samples([60] * 10))), clocks=())
    found = check(capture)
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.reason is AgreementReason.CLOCK_NOT_RELATED
    assert isinstance(found.clock_error_ns, Unavailable)


def polls(percents: list[float], field: str = "utilization_percent") -> tuple[dict[str, Any], ...]:
    return tuple(
        {"unix_ns": ORIGIN_UNIX_NS + n * 50 * MS, field: [percent]}
        for n, percent in enumerate(percents)
    )


def test_polled_rates_are_compared_over_any_period_the_driver_may_have() -> None:
    found = check(with_samples(SIXTY, nvml(polls([60] * 41))))
    assert found.kind is AgreementKind.AGREE
    assert found.resolution_ns == 1000 * MS
    assert check(with_samples(SIXTY, nvml(polls([95] * 41)))).kind is AgreementKind.DISAGREE


def test_polled_rates_that_change_tell_the_period_at_most() -> None:
    changing = [60 + (n // 4) % 2 for n in range(41)]
    found = check(with_samples(SIXTY, nvml(polls(changing))))
    assert (found.kind, found.resolution_ns) == (AgreementKind.AGREE, 250 * MS)


def test_sm_activity_is_a_least_value_only() -> None:
    for percent, kind in ((5, AgreementKind.AGREE), (95, AgreementKind.DISAGREE)):
        samples = tuple(
            {"unix_ns": ORIGIN_UNIX_NS + n * 200 * MS, "gpm_sm_percent": [percent]}
            for n in range(11)
        )
        found = check(with_samples(SIXTY, nvml(samples)))
        assert found.kind is kind
        assert isinstance(found.averaging, Averaging)
        assert found.averaging.kind is AveragingKind.SM_ACTIVITY
        if kind is AgreementKind.AGREE:
            assert found.reason is AgreementReason.SM_ACTIVITY


def test_each_gpu_is_paired_with_its_plane_by_order() -> None:
    capture = traced(kernels([], 0), kernels(SPANS, 1))
    samples = (*driver_samples([0] * 10), *driver_samples([60] * 10, device=1))
    series = nvml(samples, (L4, SampledDevice("NVIDIA L4", "GPU-1")))
    found = checks(with_samples(capture, series))
    assert [(each.device, each.kind) for each in found] == [
        ("/device:GPU:0", AgreementKind.AGREE),
        ("/device:GPU:1", AgreementKind.AGREE),
    ]
    assert found[1].sampled_ratio == pytest.approx(0.6)


EIGHT = tuple(SampledDevice("NVIDIA L4", f"GPU-{n}") for n in range(8))


def test_of_many_gpus_the_servers_is_told_by_its_process() -> None:
    samples = driver_samples([60] * 10, device=5)
    found = check(with_samples(SIXTY, nvml((*samples, with_processes([SERVER], 5)), EIGHT)))
    assert (found.kind, found.device) == (AgreementKind.AGREE, "/device:GPU:0")


def test_of_many_gpus_none_is_picked_by_chance() -> None:
    found = check(with_samples(SIXTY, nvml(driver_samples([60] * 10), EIGHT)))
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.reason is AgreementReason.NOT_PAIRED
    assert found.sampled_ratio == Unavailable(
        "8 GPUs were sampled and the trace has 1: which is which is not known "
        "(CUDA_VISIBLE_DEVICES renumbers them)"
    )


@pytest.mark.parametrize("models", [("NVIDIA T4", "NVIDIA L4"), ("", "")])
def test_gpus_of_several_kinds_are_paired_by_model_not_by_order(models: tuple[str, str]) -> None:
    capture = traced(kernels([], 0, models[0]), kernels(SPANS, 1, models[1]))
    samples = (*driver_samples([60] * 10), *driver_samples([0] * 10, device=1))
    series = nvml(samples, (L4, SampledDevice("NVIDIA T4", "GPU-1")))
    kinds = [each.kind for each in checks(with_samples(capture, series))]
    known = AgreementKind.AGREE if models[0] else AgreementKind.TOO_COARSE
    assert kinds == [known, known]


def test_a_gpu_in_mig_mode_is_not_compared() -> None:
    split = SampledDevice("NVIDIA A100", "GPU-0", is_mig=True)
    samples = ({"unix_ns": ORIGIN_UNIX_NS, "memory_used_bytes": [1]},)
    found = check(with_samples(SIXTY, nvml(samples, (split,))))
    assert (found.kind, found.reason) == (AgreementKind.TOO_COARSE, AgreementReason.NOT_PAIRED)
    assert found.sampled_ratio == Unavailable(
        "every sampled GPU is in MIG mode, and its slices have no utilization"
    )


def test_a_field_that_was_refused_is_the_reason() -> None:
    samples = ({"unix_ns": ORIGIN_UNIX_NS, "memory_used_bytes": [1]},)
    missing = {"0:utilization_percent": "NVML: Not Supported"}
    found = check(with_samples(SIXTY, nvml(samples, missing=missing)))
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.reason is AgreementReason.NOT_SAMPLED
    assert found.sampled_ratio == Unavailable("NVML: Not Supported")


def test_an_agents_samples_are_its_own_source() -> None:
    series = nvml(driver_samples([60] * 10), taken_by="10.0.0.7:9500")
    found = check(with_samples(SIXTY, series))
    assert (found.source, found.kind) == ("agent", AgreementKind.AGREE)


def test_nothing_sampled_is_nothing_checked() -> None:
    assert checks(SIXTY) == ()
