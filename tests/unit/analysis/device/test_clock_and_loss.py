"""Caveats about a device's clock, lost events and a tracer that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.analysis.cupti_access import cupti_access
from diag.model.availability import Unavailable
from diag.model.caveat import Caveat
from diag.model.device import CuptiAccess, DeviceClock
from diag.model.samples import SampledDevice, SampleSeries
from tests.unit.analysis.traces import analyzed, capture_of

TRACE = """
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
    k 100..105us correlation_id=1
    k 200..205us correlation_id=2
    k 300..305us correlation_id=3
plane /device:GPU:0
line Stream #1(Compute)
  k 110..150us correlation_id=1
  k {early}..250us correlation_id=2
  k 310..350us correlation_id=3
  k 400..410us correlation_id=99
"""
WELL = TRACE.format(early="210")
EARLY = TRACE.format(early="187.5")
DROPPED = (
    "warning Detected GPU events dropped on host-7: Profiler has collected 2097153 driver events "
    "and 2097153 device events. 6317194 events dropped because total driver(callback) events "
    "reaches max; 12 events dropped because Activity Event dropped by Cupti Lib:."
)


def caveats(analysis: Analysis) -> dict[str, Caveat]:
    return {caveat.code: caveat for caveat in analysis.caveats}


def test_launches_before_their_kernels_prove_no_error() -> None:
    analysis = analyzed(WELL)
    assert analysis.device_clock == DeviceClock(linked=3, early=0, error_ns=0)
    assert "device-clock-error" not in caveats(analysis)


def test_a_kernel_before_its_launch_measures_the_clocks_error_and_is_left_in_place() -> None:
    analysis = analyzed(EARLY)
    assert analysis.device_clock == DeviceClock(linked=3, early=1, error_ns=12_500)
    assert dict(caveats(analysis)["device-clock-error"].facts) == {
        "early_count": 1,
        "linked_count": 3,
        "error_ns": 12_500,
    }
    assert analysis.devices[0].busy_ns == 40_000 + 62_500 + 40_000 + 10_000


def test_dropped_events_are_counted_with_their_reasons() -> None:
    analysis = analyzed(f"{WELL}\n{DROPPED}")
    assert analysis.device_loss.dropped == 6_317_206
    assert analysis.device_loss.reasons == (
        "total driver(callback) events reaches max",
        "Activity Event dropped by Cupti Lib",
    )
    caveat = caveats(analysis)["device-events-dropped"]
    assert caveat.fact("dropped_count") == 6_317_206
    assert caveat.fact("reasons") == analysis.device_loss.reasons
    assert caveat.fact("known_until_ns") == 410_000
    assert caveat.remedy == "capture-shorter"
    assert "dropped-events" not in caveats(analysis)  # the same as the tracer's own message


def test_a_loss_that_is_not_counted_is_told_in_the_tracers_words() -> None:
    uncounted = "warning Some events were dropped"
    assert "dropped-events" in caveats(analyzed(f"{WELL}\n{uncounted}"))
    both = caveats(analyzed(f"{WELL}\n{DROPPED}\n{uncounted}"))
    assert {"dropped-events", "device-events-dropped"} <= both.keys()


@pytest.mark.parametrize(
    ("warning", "dropped", "reasons"),
    [
        ("5 events dropped because total device(activity) events reaches max.", 5, 1),
        ("5 events dropped because a; 7 events dropped because b;", 12, 2),
        ("5 events dropped because a;\n", 5, 1),
        ("some events were dropped", 0, 0),
    ],
)
def test_the_warning_is_read_whatever_its_end(warning: str, dropped: int, reasons: int) -> None:
    capture = replace(capture_of(WELL), trace_warnings=(f"Detected GPU: {warning}",))
    loss = analyze(capture).device_loss
    assert (loss.dropped, len(loss.reasons)) == (dropped, reasons)


def test_the_tracers_own_time_is_a_share_of_the_window_and_told_if_large() -> None:
    analysis = analyzed(f"{WELL}\nline CUPTI overhead\n  BUFFER_FLUSH 500..600us")
    assert analysis.device_loss.overhead_ratio == 0.1
    assert caveats(analysis)["profiler-overhead"].fact("overhead_ratio") == 0.1
    small = analyzed(f"{WELL}\nline CUPTI overhead\n  BUFFER_FLUSH 500..510us")
    assert small.device_loss.overhead_ratio == 0.01
    assert "profiler-overhead" not in caveats(small)


HOST = "plane /host:CPU\nline grpc\n  SessionRun 0..1000us id=1 _p=1\n"
REFUSED = (
    "error host: function cupti_interface_->Subscribe failed: CUPTI_ERROR_INSUFFICIENT_PRIVILEGES"
)
IN_USE = "error host: CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED"


def with_gpu(text: str) -> Analysis:
    nvml = SampleSeries("gpu", 50_000_000, {}, (), devices=(SampledDevice("NVIDIA H200"),))
    return analyze(replace(capture_of(text), gpu_samples=nvml))


def test_a_trace_without_gpu_planes_says_so_and_no_more() -> None:
    found = caveats(analyzed(HOST))
    assert found["no-device-plane"].remedy == ""
    assert not {"gpu-plane-missing", "gpu-planes-empty"} & set(found)


def test_a_gpu_that_was_sampled_but_not_traced_is_a_missing_plane() -> None:
    found = caveats(with_gpu(HOST))
    assert "no-device-plane" not in found
    assert found["gpu-plane-missing"].fact("gpus_count") == 1
    assert found["gpu-plane-missing"].remedy == "allow-gpu-tracing"


def test_planes_without_events_are_their_own_case() -> None:
    found = caveats(analyzed(f"{HOST}plane /device:GPU:0\nplane /device:GPU:1"))
    assert found["gpu-planes-empty"].fact("planes_count") == 2
    assert "no-device-plane" not in found


@pytest.mark.parametrize(
    ("error", "access"),
    [
        (REFUSED, CuptiAccess.REFUSED),
        (
            "error gpu-7: Insufficient privilege to run libcupti (you need root permission).",
            CuptiAccess.REFUSED,
        ),
        (IN_USE, CuptiAccess.IN_USE),
        (
            "error gpu-7: Failed to load libcupti (is it installed and accessible?)",
            CuptiAccess.NOT_LOADED,
        ),
        ("error gpu-7: No GPU detected.", CuptiAccess.NO_GPU),
        ("error CUPTI_ERROR_UNKNOWN", CuptiAccess.UNKNOWN),
    ],
)
def test_what_cupti_reported_is_a_code_of_the_caveat(error: str, access: CuptiAccess) -> None:
    analysis = with_gpu(f"{HOST}\n{error}")
    assert caveats(analysis)["gpu-plane-missing"].fact("cupti_access") == access.value
    assert analysis.device_loss.errors == (error.removeprefix("error "),)
    without_gpu = caveats(analyzed(f"{HOST}\n{error}"))["no-device-plane"]
    assert without_gpu.fact("cupti_access") == access.value
    assert without_gpu.remedy == "allow-gpu-tracing"


def test_both_of_cuptis_errors_are_told_apart_from_one() -> None:
    errors = (REFUSED, IN_USE)
    assert cupti_access(errors, has_planes=True, uses_gpu=True) is CuptiAccess.REFUSED_AND_IN_USE


GPU_THREAD = "line tf_GPU_Event_Manager/7\n  ThreadpoolListener::StartRegion 5..5us _c=9\n"


@pytest.mark.parametrize(
    ("text", "access", "threads"),
    [
        (HOST, CuptiAccess.UNKNOWN, 0),
        (HOST + GPU_THREAD, CuptiAccess.NOT_STARTED, 1),
        (HOST + GPU_THREAD.replace("GPU", "Device"), CuptiAccess.NOT_STARTED, 1),
        (HOST + GPU_THREAD.replace("tf_GPU", "my_GPU"), CuptiAccess.UNKNOWN, 0),
        (HOST + GPU_THREAD + "plane /device:GPU:0", CuptiAccess.SILENT, 1),
        (f"{WELL}", CuptiAccess.UNKNOWN, 0),
    ],
)
def test_without_an_error_planes_and_threads_tell_whether_the_tracer_started(
    text: str, access: CuptiAccess, threads: int
) -> None:
    loss = analyzed(text).device_loss
    assert (loss.access, loss.gpu_threads) == (access, threads)


def test_a_tracer_that_was_not_asked_for_did_not_fail() -> None:
    capture = replace(capture_of(HOST + GPU_THREAD), manifest={"plan": {"device_trace": False}})
    assert analyze(capture).device_loss.access is CuptiAccess.UNKNOWN


def test_threads_of_a_gpu_ask_for_advice_where_no_gpu_was_sampled() -> None:
    assert caveats(analyzed(HOST + GPU_THREAD))["no-device-plane"].remedy == "allow-gpu-tracing"


def test_errors_of_other_tracers_are_not_the_gpus() -> None:
    analysis = analyzed(f"{HOST}\nerror the python tracer could not start")
    assert analysis.device_loss.errors == ()
    assert isinstance(analysis.device_loss.overhead_ratio, Unavailable)
