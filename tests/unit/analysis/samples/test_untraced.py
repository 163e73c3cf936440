"""Traces that hold nothing of a GPU: what samples say, what is to be done, and the first line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from diag.analysis import analyze
from diag.analysis.samples.utilization import sampled_utilization
from diag.model.agreement import AgreementKind, AgreementReason, SampledUtilization
from diag.model.availability import Unavailable
from diag.model.caveat import Limit
from diag.model.device import CuptiAccess
from diag.model.samples import SampledDevice, SampleSeries
from tests.unit.analysis.samples.captures import (
    L4,
    ORIGIN_UNIX_NS,
    check,
    checks,
    driver_samples,
    kernels,
    nvml,
    traced,
    with_samples,
)

if TYPE_CHECKING:
    from diag.model.capture import Capture
    from diag.model.caveat import Caveat

NO_PLANE = traced()
EMPTY_PLANE = traced("plane /device:GPU:0\nline Stream #7(Compute)")
SERVER = {"pid": 41, "name": "tensorflow_mode", "is_server": True}


def on_gpu(*records: dict[str, Any], device: int = 0) -> dict[str, Any]:
    return {"unix_ns": ORIGIN_UNIX_NS, "processes": [*[None] * device, list(records)]}


@pytest.mark.parametrize("capture", [NO_PLANE, EMPTY_PLANE])
def test_a_busy_gpu_that_the_trace_lacks_is_a_missing_plane(capture: Capture) -> None:
    samples = (*driver_samples([63] * 10), on_gpu({**SERVER, "sm_percent": 60}))
    found = check(with_samples(capture, nvml(samples)))
    assert found.kind is AgreementKind.PLANE_MISSING
    assert (found.device, found.sampled_ratio) == ("NVIDIA L4 (GPU 0)", pytest.approx(0.63))
    assert isinstance(found.traced_ratio, Unavailable)
    assert (found.reason, found.remedy) == (AgreementReason.NOT_TRACED, "allow-gpu-tracing")
    assert found.overlap_ns == capture.window.duration_ns


def test_whose_work_it_is_is_not_claimed_where_the_server_is_not_known() -> None:
    found = check(with_samples(NO_PLANE, nvml(driver_samples([63] * 10))))
    assert found.reason is AgreementReason.NOT_TRACED_UNKNOWN_PROCESS


def test_several_gpus_with_the_same_remedy_have_the_same_code() -> None:
    devices = (L4, SampledDevice("NVIDIA L4", "GPU-1"))
    samples = (*driver_samples([63] * 10), *driver_samples([40] * 10, device=1))
    page = {"unix_ns": ORIGIN_UNIX_NS, "gpu_util_percent": [63.0, 0.0]}
    dcgm = SampleSeries("dcgm", 1, {"gpu_util_percent": "%"}, (page,), devices=devices)
    first, second, third, idle = checks(with_samples(NO_PLANE, nvml(samples, devices), dcgm))
    assert {each.kind for each in (first, second, third)} == {AgreementKind.PLANE_MISSING}
    assert idle.kind is AgreementKind.AGREE
    assert {each.remedy for each in (first, second, third)} == {"allow-gpu-tracing"}
    assert second.sampled_ratio == pytest.approx(0.4)
    assert (idle.remedy, idle.reason) == ("", AgreementReason.GPU_IDLE)


@pytest.mark.parametrize(
    ("error", "access"),
    [
        ("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES", CuptiAccess.REFUSED),
        ("CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED", CuptiAccess.IN_USE),
        ("CUPTI_ERROR_UNKNOWN", CuptiAccess.UNKNOWN),
    ],
)
def test_the_tracers_error_is_kept_and_classified(error: str, access: CuptiAccess) -> None:
    capture = with_samples(traced(more=f"error {error}"), nvml(driver_samples([63] * 10)))
    analysis = analyze(capture)
    (found,) = analysis.agreements
    (caveat,) = (each for each in analysis.caveats if each.code == "gpu-plane-missing")
    assert (found.tracer_error, found.cupti_access) == (error, access)
    assert caveat.fact("cupti_access") == access.value


def test_utilization_is_that_of_the_window_alone() -> None:
    """The sampler ran a second longer than the recording, over which the GPU was idle."""
    late = nvml(driver_samples([60] * 10 + [0] * 5))
    assert check(with_samples(NO_PLANE, late)).sampled_ratio == pytest.approx(0.6)
    found = check(with_samples(NO_PLANE, late, offset_ns=-1_000_000_000))
    assert found.sampled_ratio == pytest.approx(0.6 * 6 / 11)


def test_samples_all_outside_of_the_window_tell_nothing_of_it() -> None:
    found = check(with_samples(NO_PLANE, nvml(driver_samples([63] * 10, start_ms=3000))))
    assert found.kind is AgreementKind.TOO_COARSE
    assert found.reason is AgreementReason.NOT_SAMPLED
    assert found.sampled_ratio == Unavailable("no sample lies within the window")


def test_samples_without_a_clock_are_not_said_to_be_of_the_window() -> None:
    capture = replace(with_samples(NO_PLANE, nvml(driver_samples([63] * 10))), clocks=())
    found = check(capture)
    assert found.kind is AgreementKind.PLANE_MISSING
    assert found.overlap_ns == 0
    assert isinstance(found.clock_error_ns, Unavailable)
    assert plane_caveat(capture).fact("is_of_window") is False


SLICED = (
    SampledDevice("NVIDIA H200", "GPU-0", is_mig=True),
    SampledDevice("NVIDIA H200 MIG 1g.18gb", "MIG-5e2f", is_mig=True),
)
MIG = "not given in MIG mode"


def test_a_gpu_in_slices_is_one_gpu_whose_utilization_nvml_does_not_give() -> None:
    memory = {"unix_ns": ORIGIN_UNIX_NS, "memory_used_bytes": [1, 1]}
    series = nvml((memory,), SLICED, missing={"0:utilization_percent": MIG})
    capture = with_samples(NO_PLANE, series)
    found = check(capture)
    assert (found.device, found.kind) == ("NVIDIA H200 (GPU 0)", AgreementKind.TOO_COARSE)
    assert (found.reason, found.sampled_ratio) == (AgreementReason.NOT_SAMPLED, Unavailable(MIG))
    caveat = plane_caveat(capture)
    assert caveat.code == "gpu-plane-missing"
    assert (caveat.fact("gpus_count"), caveat.fact("is_mig")) == (1, True)
    assert caveat.fact("busy_ratios") == ()


def test_the_slice_that_the_server_was_seen_on_is_the_one_told_of() -> None:
    found = check(with_samples(NO_PLANE, nvml((on_gpu(SERVER, device=1),), SLICED)))
    assert (found.device, found.kind) == (
        "NVIDIA H200 MIG 1g.18gb (MIG-5e2f)",
        AgreementKind.TOO_COARSE,
    )


def test_a_capture_that_left_gpus_out_needs_no_privilege() -> None:
    capture = replace(NO_PLANE, manifest={"plan": {"device_trace": False}})
    found = check(with_samples(capture, nvml(driver_samples([63] * 10))))
    assert found.kind is AgreementKind.PLANE_MISSING
    assert (found.reason, found.remedy) == (AgreementReason.NOT_REQUESTED, "trace-gpus")
    with_gpu = with_samples(capture, nvml(driver_samples([63] * 10)))
    assert plane_caveat(with_gpu).remedy == "trace-gpus"


def test_a_gpu_that_was_idle_is_not_missed() -> None:
    found = check(with_samples(NO_PLANE, nvml(driver_samples([0] * 10))))
    assert found.kind is AgreementKind.AGREE
    assert found.reason is AgreementReason.GPU_IDLE


def test_a_gpu_that_others_kept_busy_is_theirs() -> None:
    others = {"pid": 77, "name": "python3", "sm_percent": 60}
    samples = (*driver_samples([63] * 10), on_gpu(SERVER, others))
    found = check(with_samples(NO_PLANE, nvml(samples)))
    assert found.kind is AgreementKind.OTHER_PROCESS
    assert found.reason is AgreementReason.ONLY_OTHERS_WORK
    assert [(each.pid, each.name, each.share) for each in found.involved] == [(77, "python3", 0.6)]


def test_only_the_servers_gpus_count_where_its_process_was_seen() -> None:
    devices = (L4, SampledDevice("NVIDIA L4", "GPU-1"))
    samples = (
        *driver_samples([99] * 10),
        *driver_samples([40] * 10, device=1),
        on_gpu({**SERVER, "sm_percent": 40}, device=1),
    )
    (found,) = checks(with_samples(NO_PLANE, nvml(samples, devices)))
    assert (found.device, found.sampled_ratio) == ("NVIDIA L4 (GPU 1)", pytest.approx(0.4))


def test_an_exporter_is_asked_too() -> None:
    series = SampleSeries(
        "dcgm",
        1,
        {"gpu_util_percent": "%"},
        ({"unix_ns": ORIGIN_UNIX_NS, "gpu_util_percent": [70.0]},),
        devices=(L4,),
    )
    found = check(with_samples(NO_PLANE, dcgm=series))
    assert (found.source, found.kind) == ("dcgm", AgreementKind.PLANE_MISSING)


def plane_caveat(capture: Capture) -> Caveat:
    """The analysis's caveat about missing GPUs."""
    codes = {"no-device-plane", "gpu-plane-missing", "gpu-planes-empty"}
    (caveat,) = (each for each in analyze(capture).caveats if each.code in codes)
    return caveat


def test_the_caveat_says_what_the_samples_measured() -> None:
    caveat = plane_caveat(with_samples(NO_PLANE, nvml(driver_samples([63] * 10))))
    assert caveat.code == "gpu-plane-missing"
    assert caveat.limits[0] is Limit.DEVICES
    assert dict(caveat.facts) == {
        "gpus_count": 1,
        "is_mig": False,
        "sampled_sources": ("nvml",),
        "sampled_devices": ("NVIDIA L4 (GPU 0)",),
        "busy_ratios": (pytest.approx(0.63),),
        "is_of_window": True,
        "cupti_access": "unknown",
    }
    empty = plane_caveat(with_samples(EMPTY_PLANE, nvml(driver_samples([63] * 10))))
    assert (empty.code, empty.fact("planes_count")) == ("gpu-planes-empty", 1)
    assert empty.fact("busy_ratios") == (pytest.approx(0.63),)


def test_without_utilization_the_caveat_claims_nothing() -> None:
    assert plane_caveat(NO_PLANE).code == "no-device-plane"
    assert plane_caveat(EMPTY_PLANE).fact("busy_ratios") == ()
    blank = nvml(({"unix_ns": ORIGIN_UNIX_NS, "memory_used_bytes": [1]},))
    caveat = plane_caveat(with_samples(NO_PLANE, blank))
    assert (caveat.fact("is_mig"), caveat.fact("busy_ratios")) == (False, ())


def test_old_bundles_that_name_no_device_still_show_that_there_was_one() -> None:
    old = replace(nvml(driver_samples([63] * 10)), devices=())
    caveat = plane_caveat(with_samples(NO_PLANE, old))
    assert caveat.code == "gpu-plane-missing"
    assert isinstance(caveat.fact("gpus_count"), Unavailable)


def test_utilization_is_listed_for_each_gpu() -> None:
    devices = tuple(SampledDevice("NVIDIA L4", f"GPU-{n}") for n in range(6))
    samples = [each for n in range(6) for each in driver_samples([10], device=n)]
    found = sampled_utilization(with_samples(NO_PLANE, nvml(samples, devices)))
    assert found == tuple(
        SampledUtilization("nvml", f"NVIDIA L4 (GPU {n})", pytest.approx(0.1), is_of_window=True)
        for n in range(6)
    )


def test_an_analysis_holds_the_cross_checks() -> None:
    capture = traced(kernels([(start, start + 60) for start in range(0, 2000, 100)]))
    (found,) = analyze(with_samples(capture, nvml(driver_samples([60] * 10)))).agreements
    assert found.kind is AgreementKind.AGREE
    assert analyze(capture).agreements == ()
