"""What is said aloud of a device's clock, of lost events and of a tracer that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.model.availability import Unavailable
from diag.model.device import DeviceClock
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


def texts(analysis: Analysis) -> dict[str, str]:
    return {caveat.code: caveat.text for caveat in analysis.caveats}


def test_launches_before_their_kernels_prove_no_error() -> None:
    analysis = analyzed(WELL)
    assert analysis.device_clock == DeviceClock(linked=3, early=0, error_ns=0)
    assert "device-clock-error" not in texts(analysis)


def test_a_kernel_before_its_launch_measures_the_clocks_error_and_is_left_in_place() -> None:
    analysis = analyzed(EARLY)
    assert analysis.device_clock == DeviceClock(linked=3, early=1, error_ns=12_500)
    assert "1 of 3 device events" in texts(analysis)["device-clock-error"]
    assert "12.5 µs" in texts(analysis)["device-clock-error"]
    assert analysis.devices[0].busy_ns == 40_000 + 62_500 + 40_000 + 10_000


def test_dropped_events_are_counted_with_their_reasons() -> None:
    analysis = analyzed(f"{WELL}\n{DROPPED}")
    assert analysis.device_loss.dropped == 6_317_206
    assert analysis.device_loss.reasons == (
        "total driver(callback) events reaches max",
        "Activity Event dropped by Cupti Lib",
    )
    text = texts(analysis)["device-events-dropped"]
    assert "6,317,206 events" in text
    assert "shorter window" in text
    assert "dropped-events" not in texts(analysis)  # the same in the tracer's words


def test_a_loss_that_is_not_counted_is_told_in_the_tracers_words() -> None:
    uncounted = "warning Some events were dropped"
    assert "dropped-events" in texts(analyzed(f"{WELL}\n{uncounted}"))
    both = texts(analyzed(f"{WELL}\n{DROPPED}\n{uncounted}"))
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
    assert "10% of the window" in texts(analysis)["profiler-overhead"]
    small = analyzed(f"{WELL}\nline CUPTI overhead\n  BUFFER_FLUSH 500..510us")
    assert small.device_loss.overhead_ratio == 0.01
    assert "profiler-overhead" not in texts(small)


HOST = "plane /host:CPU\nline grpc\n  SessionRun 0..1000us id=1 _p=1\n"
REFUSED = (
    "error host: function cupti_interface_->Subscribe failed: CUPTI_ERROR_INSUFFICIENT_PRIVILEGES"
)
TAKEN = "error host: CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED"


def with_gpu(text: str) -> Analysis:
    nvml = SampleSeries("gpu", 50_000_000, {}, (), devices=(SampledDevice("NVIDIA H200"),))
    return analyze(replace(capture_of(text), gpu_samples=nvml))


def test_a_trace_without_gpu_planes_says_so_and_no_more() -> None:
    found = texts(analyzed(HOST))
    assert found["no-device-plane"].endswith("what a GPU did is not known.")
    assert not {"gpu-plane-missing", "gpu-planes-empty"} & set(found)


def test_a_gpu_that_was_sampled_but_not_traced_names_the_fixes_least_privilege_first() -> None:
    found = texts(with_gpu(HOST))
    assert "no-device-plane" not in found
    text = found["gpu-plane-missing"]
    fixes = ["PERFMON", "NVreg_RestrictProfilingToAdminUsers=0", "SYS_ADMIN", "privileged"]
    places = [text.index(fix) for fix in fixes]
    assert places == sorted(places)


def test_planes_without_events_are_their_own_case() -> None:
    found = texts(analyzed(f"{HOST}plane /device:GPU:0\nplane /device:GPU:1"))
    assert "2 GPU planes without any event" in found["gpu-planes-empty"]
    assert "no-device-plane" not in found


@pytest.mark.parametrize(
    ("error", "says", "not_this"),
    [(REFUSED, "CUPTI was refused: (1) with", "Nsight"), (TAKEN, "CUPTI is taken", "PERFMON")],
)
def test_what_cupti_reported_decides_on_the_advice(error: str, says: str, not_this: str) -> None:
    analysis = with_gpu(f"{HOST}\n{error}")
    text = texts(analysis)["gpu-plane-missing"]
    assert says in text
    assert not_this not in text
    assert analysis.device_loss.errors == (error.removeprefix("error "),)
    assert says in texts(analyzed(f"{HOST}\n{error}"))["no-device-plane"]


def test_errors_of_other_tracers_are_not_the_gpus() -> None:
    analysis = analyzed(f"{HOST}\nerror the python tracer could not start")
    assert analysis.device_loss.errors == ()
    assert isinstance(analysis.device_loss.overhead_ratio, Unavailable)
