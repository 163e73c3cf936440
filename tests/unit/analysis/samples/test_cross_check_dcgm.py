"""The exporter's page against the trace: its interval is derived, its GPUs are told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from diag.analysis import analyze
from diag.analysis.samples.dcgm import is_engine_stuck
from diag.analysis.thresholds import NVML_PERIOD_MAX_NS, NVML_PERIOD_MIN_NS
from diag.findings import find
from diag.model.agreement import AgreementKind, AgreementReason, Averaging, AveragingKind
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SampleSeries
from diag.report.wording.caveats import advise_caveat, describe_caveat
from tests.unit.analysis.samples.captures import (
    L4,
    MS,
    ORIGIN_UNIX_NS,
    checks,
    driver_samples,
    kernels,
    nvml,
    traced,
    with_samples,
)
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.servers import IDLE_END, sessions

SPANS = [(start, start + 60) for start in range(0, 6000, 100)]
SIX_SECONDS = traced(kernels(SPANS), until_ms=6000)


def scrapes(
    interval_ms: float,
    field: str = "gr_engine_active_ratio",
    value: float = 0.6,
    devices: tuple[SampledDevice, ...] = (L4,),
    device: int = 0,
    until_ms: int = 6000,
    **more: Any,
) -> SampleSeries:
    """Scrapes each 200 ms of an exporter that collects at an interval; its power always moves."""
    samples = tuple(
        {
            "unix_ns": ORIGIN_UNIX_NS + at * MS,
            field: [value if index == device else 0.0 for index in range(len(devices))],
            "power_w": [60.0 + at // interval_ms] * len(devices),
        }
        for at in range(0, until_ms, 200)
    )
    units = {field: "ratio", "power_w": "W"}
    return SampleSeries(
        "dcgm", 200 * MS, units, samples, devices=devices, taken_by="node:9400", **more
    )


def test_the_interval_is_derived_from_when_values_change() -> None:
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=scrapes(1000)))
    assert (found.source, found.kind) == ("dcgm", AgreementKind.AGREE)
    assert found.resolution_ns == 1000 * MS
    assert isinstance(found.averaging, Averaging)
    assert found.averaging.kind is AveragingKind.EXPORTER_INTERVAL
    assert found.averaging.period_ns == 1000 * MS
    assert found.sampled_ratio == pytest.approx(0.6)
    (above,) = checks(with_samples(SIX_SECONDS, dcgm=scrapes(1000, value=0.95)))
    assert above.kind is AgreementKind.DISAGREE
    assert above.reason is AgreementReason.PROCESSES_UNKNOWN


def test_an_exporter_at_its_default_is_too_coarse_and_says_what_is_assumed() -> None:
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=scrapes(30_000)))
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.resolution_ns == 30_000 * MS
    assert found.reason is AgreementReason.NOT_SAMPLED
    assert found.sampled_ratio == Unavailable(
        "the exporter's values did not change twice in the window, so that its interval, by "
        "default 30 s, is not known"
    )


def test_utilization_is_of_one_period_of_the_driver_before_it_was_collected() -> None:
    (found,) = checks(
        with_samples(SIX_SECONDS, dcgm=scrapes(1000, field="gpu_util_percent", value=60))
    )
    assert found.kind is AgreementKind.AGREE
    assert found.averaging == Averaging(
        AveragingKind.EXPORTER_PERIOD, 1000 * MS, NVML_PERIOD_MIN_NS, NVML_PERIOD_MAX_NS
    )


def test_what_was_collected_before_the_first_change_is_not_used() -> None:
    """The first page may be as old as an interval: here it tells of before the recording."""
    series = scrapes(1000)
    stale = tuple(
        sample | {"gr_engine_active_ratio": [0.0]} if index < 5 else sample
        for index, sample in enumerate(series.samples)
    )
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=replace(series, samples=stale)))
    assert found.kind is AgreementKind.AGREE
    assert found.sampled_ratio == pytest.approx(0.6)


def test_time_stamps_of_the_page_tell_collections_apart_that_changed_nothing() -> None:
    samples = tuple(
        {
            "unix_ns": ORIGIN_UNIX_NS + at * MS,
            "gr_engine_active_ratio": [0.6],
            "collected_age_ns": [at % 1000 * MS],
        }
        for at in range(0, 6000, 200)
    )
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=replace(scrapes(1000), samples=samples)))
    assert (found.kind, found.resolution_ns) == (AgreementKind.AGREE, 1000 * MS)


def test_scrapes_that_failed_are_no_change() -> None:
    series = scrapes(1000)
    holes = tuple(
        {"unix_ns": sample["unix_ns"]} if index % 4 == 3 else sample
        for index, sample in enumerate(series.samples)
    )
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=replace(series, samples=holes)))
    assert (found.kind, found.resolution_ns) == (AgreementKind.AGREE, 1000 * MS)


NODE = tuple(SampledDevice("NVIDIA L4", f"GPU-{n}") for n in range(4))


def test_an_exporter_sees_all_gpus_of_a_node_and_none_is_picked_by_chance() -> None:
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=scrapes(1000, devices=NODE, device=2)))
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.reason is AgreementReason.NOT_PAIRED


def test_nvml_tells_the_exporters_gpu_by_its_uuid_and_who_else_was_on_it() -> None:
    seen = {
        "unix_ns": ORIGIN_UNIX_NS,
        "processes": [
            [
                {"pid": 41, "is_server": True, "sm_percent": 50},
                {"pid": 77, "name": "python3", "sm_percent": 35},
            ]
        ],
    }
    local = nvml((*driver_samples([60] * 30), seen), (NODE[2],))
    series = scrapes(1000, value=0.95, devices=NODE, device=2)
    by_nvml, by_dcgm = checks(with_samples(SIX_SECONDS, local, series))
    assert (by_nvml.source, by_nvml.kind) == ("nvml", AgreementKind.AGREE)
    assert (by_dcgm.source, by_dcgm.kind) == ("dcgm", AgreementKind.OTHER_PROCESS)
    assert by_dcgm.sampled_ratio == pytest.approx(0.95)
    assert [other.pid for other in by_dcgm.others] == [77]


def contradicting(engine: float, used: float) -> SampleSeries:
    """Scrapes of both values, every second anew."""
    series = scrapes(1000, field="gpu_util_percent", value=used)
    samples = tuple({**each, "gr_engine_active_ratio": [engine]} for each in series.samples)
    return replace(series, samples=samples)


def test_an_engine_that_is_stuck_at_0_gives_way_to_utilization() -> None:
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=contradicting(0.0, 97.0)))
    assert found.sampled_ratio == pytest.approx(0.97)


@pytest.mark.parametrize(("engine", "used"), [(0.02, 97.0), (0.0, 20.0), (0.0, 0.0)])
def test_values_that_can_both_be_true_are_no_contradiction(engine: float, used: float) -> None:
    series = contradicting(engine, used)
    assert not is_engine_stuck(series, 0)
    (found,) = checks(with_samples(SIX_SECONDS, dcgm=series))
    assert found.sampled_ratio == pytest.approx(engine, abs=0.011)


def test_the_contradiction_is_a_caveat_with_the_way_to_revive_the_module() -> None:
    analysis = analyze(with_samples(SIX_SECONDS, dcgm=contradicting(0.0, 97.0)))
    (caveat,) = (each for each in analysis.caveats if each.code == "dcgm-engine-stuck")
    assert "contradict each other on NVIDIA L4 (GPU 0)" in describe_caveat(caveat)
    assert "1001" in advise_caveat(caveat)
    healthy = analyze(with_samples(SIX_SECONDS, dcgm=contradicting(0.9, 97.0)))
    assert "dcgm-engine-stuck" not in [each.code for each in healthy.caveats]


def test_without_a_gpu_in_the_trace_a_stuck_engine_is_no_lack_of_demand() -> None:
    capture = with_samples(capture_of(f"{sessions()}{IDLE_END.format(9000)}"))
    idle, stuck = (
        find(analyze(replace(capture, dcgm_samples=contradicting(engine, used))))
        for engine, used in ((0.0, 0.0), (0.0, 97.0))
    )
    assert idle[0].id == "no-demand"
    assert stuck[0].id == "gpu-plane-missing"
