"""Which lines of a GPU plane count as streams, and what becomes of the others."""

from __future__ import annotations

import pytest

from diag.model.device import DeviceSummary
from tests.unit.analysis.traces import analyzed

TRACE = """
plane /host:CPU
line tf_Compute/1
  nothing 0..1000us
  {host}
plane /device:GPU:0
line Stream #1(Compute)
  kernel 10..110us correlation_id=1 kernel_details="regs:8"
{line}
  {event}
"""


def device_with(line: str, event: str, host: str = "") -> DeviceSummary:
    (device,) = analyzed(TRACE.format(line=line, event=event, host=host)).devices
    return device


@pytest.mark.parametrize("name", ["Launch Stats", "Async XLA Ops", "Host Offload Ops", "Steps"])
def test_derived_lines_are_left_out_whatever_their_events_carry(name: str) -> None:
    event = 'kernel 0..900us correlation_id=1 kernel_details="regs:8"'
    assert device_with(f"line {name}", event).busy_ns == 100_000


@pytest.mark.parametrize("number", [-559038737, -559038734, -559038400, 0xDEADBEEF, 0xDEADBEF2])
def test_lines_with_an_id_of_the_derived_range_are_left_out_whatever_they_are_called(
    number: int,
) -> None:
    event = 'kernel 0..900us correlation_id=1 kernel_details="regs:8"'
    assert device_with(f"line Something New id={number}", event).busy_ns == 100_000


def test_a_line_of_unknown_name_counts_by_details_alone() -> None:
    event = "kernel 200..300us correlation_id=1"
    assert device_with("line Queue 7", event).busy_ns == 100_000
    assert device_with("line Queue 7", f'{event} kernel_details="regs:8"').busy_ns == 200_000


def test_a_stream_named_after_one_record_of_the_tracer_still_holds_kernels() -> None:
    events = """BUFFER_FLUSH 300..350us
      kernel 400..500us correlation_id=2 kernel_details="regs:8"
    """
    device = device_with("line CUPTI overhead id=7", events)
    assert (device.busy_ns, device.kernels, device.overhead_ns) == (200_000, 2, 50_000)


def test_the_tracers_own_line_is_no_stream() -> None:
    device = device_with("line CUPTI overhead id=-559038731", "INSTRUMENTATION 0..40us")
    assert (device.busy_ns, device.overhead_ns) == (100_000, 40_000)


def test_overhead_is_a_union_over_the_plane_and_the_threads_held_up() -> None:
    host = "RESOURCE 20..60us\n  BUFFER_FLUSH 500..520us"
    device = device_with("line CUPTI overhead", "INSTRUMENTATION 0..40us", host)
    assert device.overhead_ns == 80_000


@pytest.mark.parametrize("name", ["COMPILER", "LAZY_FUNCTION_LOADING"])
def test_what_the_driver_does_untraced_too_is_no_overhead(name: str) -> None:
    assert device_with("line CUPTI overhead", f"{name} 0..40us").overhead_ns == 0
    assert device_with("line Stream #2", "k 0..1us", f"{name} 20..60us").overhead_ns == 0
