"""Traces that hold nothing of a GPU: what samples say, what is to be done, and the first line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from diag.analysis import analyze
from diag.analysis.sampled.utilization import sampled_utilization
from diag.model.availability import Unavailable
from diag.model.device import AgreementKind
from diag.model.samples import SampledDevice, SampleSeries
from tests.unit.analysis.sampled_captures import (
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

NO_PLANE = traced()
EMPTY_PLANE = traced("plane /device:GPU:0\nline Stream #7(Compute)")
SERVER = {"pid": 41, "name": "tensorflow_mode", "is_server": True}
PRIVILEGES = ("dcgmi profile --pause", "PERFMON", "NVreg_Restrict", "SYS_ADMIN", "privileged")


def on_gpu(*records: dict[str, Any], device: int = 0) -> dict[str, Any]:
    return {"unix_ns": ORIGIN_UNIX_NS, "processes": [*[None] * device, list(records)]}


@pytest.mark.parametrize("capture", [NO_PLANE, EMPTY_PLANE])
def test_a_busy_gpu_that_the_trace_lacks_is_a_missing_plane(capture: Capture) -> None:
    samples = (*driver_samples([63] * 10), on_gpu({**SERVER, "sm_percent": 60}))
    found = check(with_samples(capture, nvml(samples)))
    assert found.kind is AgreementKind.PLANE_MISSING
    assert (found.device, found.sampled_ratio) == ("NVIDIA L4 (GPU 0)", pytest.approx(0.63))
    assert isinstance(found.traced_ratio, Unavailable)
    assert "saw NVIDIA L4 (GPU 0) 63% busy over the window" in found.text


def test_the_fixes_come_in_order_of_privilege() -> None:
    text = check(with_samples(NO_PLANE, nvml(driver_samples([63] * 10)))).text
    places = [text.index(word) for word in PRIVILEGES]
    assert places == sorted(places)
    # Nothing told which process is the server, so nothing is claimed of whose work it is.
    assert "If that is the server's work" in text


def test_the_fixes_are_told_once() -> None:
    devices = (L4, SampledDevice("NVIDIA L4", "GPU-1"))
    samples = (*driver_samples([63] * 10), *driver_samples([40] * 10, device=1))
    page = {"unix_ns": ORIGIN_UNIX_NS, "gpu_util_percent": [63.0, 0.0]}
    dcgm = SampleSeries("dcgm", 1, {"gpu_util_percent": "%"}, (page,), devices=devices)
    first, second, third, idle = checks(with_samples(NO_PLANE, nvml(samples, devices), dcgm))
    assert {each.kind for each in (first, second, third)} == {AgreementKind.PLANE_MISSING}
    assert idle.kind is AgreementKind.AGREE
    assert "privileged" not in third.text
    assert "privileged" in first.text
    assert second.text.endswith(
        "40% busy over the window, and the trace holds nothing of it either."
    )


def test_what_the_tracer_said_is_quoted() -> None:
    capture = traced(more="error CUPTI_ERROR_INSUFFICIENT_PRIVILEGES")
    text = check(with_samples(capture, nvml(driver_samples([63] * 10)))).text
    assert "The tracer said: CUPTI_ERROR_INSUFFICIENT_PRIVILEGES." in text


@pytest.mark.parametrize(
    ("error", "says", "not_this"),
    [
        ("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES", "CUPTI was refused: (1) with drivers", "Nsight"),
        ("CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED", "dcgmi profile --pause", "PERFMON"),
    ],
)
def test_what_the_tracer_said_decides_on_the_fixes(error: str, says: str, not_this: str) -> None:
    capture = with_samples(traced(more=f"error {error}"), nvml(driver_samples([63] * 10)))
    analysis = analyze(capture)
    (found,) = analysis.agreements
    (caveat,) = (each for each in analysis.caveats if each.code == "gpu-plane-missing")
    for text in (found.text, caveat.text):
        assert says in text
        assert not_this not in text


def test_utilization_is_that_of_the_window_alone() -> None:
    """The sampler ran a second longer than the recording, over which the GPU was idle."""
    late = nvml(driver_samples([60] * 10 + [0] * 5))
    assert check(with_samples(NO_PLANE, late)).sampled_ratio == pytest.approx(0.6)
    found = check(with_samples(NO_PLANE, late, offset_ns=-1_000_000_000))
    assert found.sampled_ratio == pytest.approx(0.6 * 6 / 11)
    assert "33% busy over the window" in found.text


def test_samples_all_outside_of_the_window_tell_nothing_of_it() -> None:
    found = check(with_samples(NO_PLANE, nvml(driver_samples([63] * 10, start_ms=3000))))
    assert found.kind is AgreementKind.TOO_COARSE
    assert isinstance(found.sampled_ratio, Unavailable)
    assert "no sample lies within the window" in found.text


def test_samples_without_a_clock_are_not_said_to_be_of_the_window() -> None:
    capture = replace(with_samples(NO_PLANE, nvml(driver_samples([63] * 10))), clocks=())
    found = check(capture)
    assert found.kind is AgreementKind.PLANE_MISSING
    assert found.overlap_ns == 0
    said = "63% busy over all samples, whose clock is not related to the trace's"
    assert said in found.text
    assert said in first_line(capture)


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
    assert found.text == (
        f"The trace holds nothing of NVIDIA H200 (GPU 0), and its utilization is not known: {MIG}."
    )
    assert first_line(capture) == (
        "1 GPU could be sampled, but the trace has no GPU plane: idle time is that of model "
        "execution on the CPU; what a GPU did is not known, for in MIG mode NVML gives no "
        "utilization"
    )


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
    assert "capture without --no-device-trace" in found.text
    assert "privileged" not in found.text


def test_a_gpu_that_was_idle_is_not_missed() -> None:
    found = check(with_samples(NO_PLANE, nvml(driver_samples([0] * 10))))
    assert found.kind is AgreementKind.AGREE
    assert "is no loss" in found.text


def test_a_gpu_that_others_kept_busy_is_theirs() -> None:
    others = {"pid": 77, "name": "python3", "sm_percent": 60}
    samples = (*driver_samples([63] * 10), on_gpu(SERVER, others))
    found = check(with_samples(NO_PLANE, nvml(samples)))
    assert found.kind is AgreementKind.OTHER_PROCESS
    assert "process 77 (python3) at 60%" in found.text
    assert "the server itself was not seen at work" in found.text


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


def first_line(capture: Capture) -> str:
    """The analysis's first caveat of its own, up to what is to be done."""
    texts = {caveat.code: caveat.text for caveat in analyze(capture).caveats}
    (code,) = texts.keys() & {"no-device-plane", "gpu-plane-missing", "gpu-planes-empty"}
    return texts[code].partition(". ")[0]


def test_the_first_line_says_what_is_not_known_and_what_samples_saw() -> None:
    assert first_line(with_samples(NO_PLANE, nvml(driver_samples([63] * 10)))) == (
        "1 GPU could be sampled, but the trace has no GPU plane: idle time is that of model "
        "execution on the CPU; what a GPU did is known from samples alone: NVML saw NVIDIA L4 "
        "(GPU 0) 63% busy over the window"
    )
    assert first_line(with_samples(EMPTY_PLANE, nvml(driver_samples([63] * 10)))).endswith(
        "what it did is known from samples alone: NVML saw NVIDIA L4 (GPU 0) 63% busy over the "
        "window"
    )


def test_without_utilization_the_first_line_claims_nothing() -> None:
    assert first_line(NO_PLANE).endswith("what a GPU did is not known.")
    assert first_line(EMPTY_PLANE).endswith("what it did is not known")
    blank = nvml(({"unix_ns": ORIGIN_UNIX_NS, "memory_used_bytes": [1]},))
    assert first_line(with_samples(NO_PLANE, blank)).endswith(
        "what a GPU did is not known, for no utilization was sampled"
    )


def test_bundles_of_before_devices_were_named_are_heard_too() -> None:
    old = replace(nvml(driver_samples([63] * 10)), devices=())
    assert first_line(with_samples(NO_PLANE, old)).startswith("GPUs could be sampled, but")


def test_the_first_line_names_a_few_gpus_of_many() -> None:
    devices = tuple(SampledDevice("NVIDIA L4", f"GPU-{n}") for n in range(6))
    samples = [each for n in range(6) for each in driver_samples([10], device=n)]
    seen = sampled_utilization(with_samples(NO_PLANE, nvml(samples, devices)))
    assert seen.endswith("NVIDIA L4 (GPU 3) 10% busy and 2 more over the window")


def test_an_analysis_holds_the_cross_checks() -> None:
    capture = traced(kernels([(start, start + 60) for start in range(0, 2000, 100)]))
    (found,) = analyze(with_samples(capture, nvml(driver_samples([60] * 10)))).agreements
    assert found.kind is AgreementKind.AGREE
    assert analyze(capture).agreements == ()
