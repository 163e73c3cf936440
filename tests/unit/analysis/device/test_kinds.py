"""What an event on a stream is, by every spelling that tracers have had for it."""

from __future__ import annotations

import pytest

from diag.model.device import DeviceSummary
from tests.unit.analysis.traces import analyzed

HOST = """
plane /host:CPU
line tf_Compute/1
  {launch}
plane /device:GPU:0
line {line}
  {event}
line Stream #2(Compute)
  always 90..100us kernel_details="regs:8"
"""


def device_of(
    event: str, line: str = "Stream #1", launch: str = "nothing 0..100us"
) -> DeviceSummary:
    (device,) = analyzed(HOST.format(event=event, line=line, launch=launch)).devices
    return device


def kind_of(event: str, line: str = "Stream #1", launch: str = "nothing 0..100us") -> str:
    """What the only event beside a kernel of 10 us counts as."""
    device = device_of(event, line, launch)
    told = {
        "kernel": device.kernels - 1,
        "memset": device.memsets,
        "in": device.copies * (device.bytes_in != 0),
        "out": device.copies * (device.bytes_out != 0),
        "within": device.copies * (device.bytes_in == device.bytes_out == 0),
    }
    return "".join(kind for kind, count in told.items() if count) or "no work"


@pytest.mark.parametrize(
    ("stat", "kind"),
    [
        ('kernel_details="regs:38 shm:0 grid:160,1,1 block:1024,1,1"', "kernel"),
        ('kernel_details=" grid:4,64,1 block:256,1,1 private_mem:0 group_mem:8704"', "kernel"),
        ('kernel_details="regs:38 static_shared:0 dynamic_shared:0 grid:1,1,1"', "kernel"),
        ('memcpy_details="kind_src:pageable kind_dst:device size:8 dest:0 async:1"', "in"),
        ('memcpy_details="kind_src:pinned kind_dst:device num_bytes:8 async:1"', "in"),
        ('memcpy_details="kind_src:host kind_dst:array size:8"', "in"),
        ('memcpy_details="kind_src:device kind_dst:pinned size:8 dest:0 async:1"', "out"),
        ('memcpy_details="kind_src:device_static kind_dst:pageable size:8"', "out"),
        ('memcpy_details="kind_src:device kind_dst:device size:8 dest:1 async:1"', "within"),
        ('memcpy_details="kind_src:managed kind_dst:managed size:8"', "within"),
        ('memcpy_details="kind_src:pageable kind_dst:managed size:8"', "in"),
        ('memcpy_details="kind:Unknown size:8 dest:512 async:1"', "within"),
        ('memcpy_details="kind:htod size:8"', "in"),
        ('Memset_details="kind:device num_bytes:1024 async:1"', "memset"),
        ('memset_details="kind:device num_bytes:1024 async:1"', "memset"),
        ('memalloc_details="kind:device num_bytes:1024"', "no work"),
        ('MemFree_details="kind:device num_bytes:1024"', "no work"),
        ('MemoryResidency_details="kind:device num_bytes:1024 addr:0x0"', "no work"),
        ("correlation_id=4", "kernel"),
    ],
)
def test_details_tell_the_kind_of_an_event(stat: str, kind: str) -> None:
    assert kind_of(f"any_name 0..10us {stat}") == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MemcpyH2D", "in"),
        ("MemcpyD2H", "out"),
        ("MemcpyD2D", "within"),
        ("MemcpyP2P", "within"),
        ("MemcpyOther", "within"),
    ],
)
@pytest.mark.parametrize("stat", ['memcpy_details="size:112 dest:4 async:0"', ""])
def test_a_copy_whose_details_name_no_memory_goes_the_way_its_name_says(
    name: str, kind: str, stat: str
) -> None:
    assert kind_of(f"{name} 0..10us {stat}") == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Memset", "memset"),
        ("MemoryAlloc", "no work"),
        ("MemoryFree", "no work"),
        ("MemoryResidency", "no work"),
        ("UnifiedMemory", "no work"),
        ("Generic", "no work"),
        ("Overhead", "no work"),
        ("copy_h2d_and_transpose_kernel", "kernel"),
    ],
)
def test_without_details_the_name_tells(name: str, kind: str) -> None:
    assert kind_of(f"{name} 0..10us correlation_id=4") == kind


def test_a_kernel_named_like_a_copy_is_a_kernel() -> None:
    assert kind_of('MemcpyH2D 0..10us kernel_details="regs:8"') == "kernel"


def test_kinds_of_memory_go_before_the_name() -> None:
    details = "kind_src:device kind_dst:pinned size:8"
    assert kind_of(f'MemcpyH2D 0..10us memcpy_details="{details}"') == "out"


@pytest.mark.parametrize(
    "line", ["Stream #1", "Stream #1(Compute)", "Stream #1(MemcpyH2D,Memset)", "Stream #1(Kernel)"]
)
def test_the_name_of_a_stream_tells_nothing(line: str) -> None:
    details = "kind_src:device kind_dst:pinned size:8"
    assert kind_of(f'x 0..10us memcpy_details="{details}"', line) == "out"
    assert kind_of('x 0..10us kernel_details="regs:8"', line) == "kernel"


@pytest.mark.parametrize(
    ("call", "kind"),
    [("hipMemcpyHtoDAsync", "in"), ("hipMemcpyDtoHAsync", "out"), ("hipMemcpyDtoDAsync", "within")],
)
def test_a_kernel_that_a_host_copy_led_to_is_that_copy(call: str, kind: str) -> None:
    details = 'memcpy_details="kind:Unknown size:0 dest:512 async:1"'
    event = '__amd_rocclr_copyBuffer.kd 10..20us correlation_id=7 kernel_details=" grid:1"'
    device = device_of(event, launch=f"{call} 0..5us correlation_id=7 {details}")
    assert (device.kernels, device.copies) == (1, 1)
    assert kind_of(event, launch=f"{call} 0..5us correlation_id=7 {details}") == kind


def test_a_kernel_that_a_host_memset_led_to_is_a_memset() -> None:
    launch = 'hipMemsetAsync 0..5us correlation_id=7 Memset_details="kind:Unknown num_bytes:8"'
    event = '__amd_rocclr_fillBuffer.kd 10..20us correlation_id=7 kernel_details=" grid:1"'
    assert kind_of(event, launch=launch) == "memset"


def test_sizes_are_those_of_the_event_else_of_its_launch_and_0_or_too_much_is_none() -> None:
    def copy(own: str, launched: str) -> DeviceSummary:
        return device_of(
            f'MemcpyH2D 10..20us correlation_id=7 memcpy_details="{own}"',
            launch=f'cuMemcpyHtoDAsync_v2 0..5us correlation_id=7 memcpy_details="{launched}"',
        )

    assert copy("size:112 dest:4", "size:9").bytes_in == 112
    assert copy("kind:htod dest:4", "num_bytes:64").bytes_in == 64
    assert copy("size:18446744073709551615 dest:4", "size:9").bytes_in == 9
    assert copy(f"size:{'9' * 5000} dest:4", "size:9").bytes_in == 9
    assert copy(f"size:{1 << 44} dest:4", "size:9").bytes_in == 1 << 44
    nothing = copy("size:0 dest:4", "size:0")
    assert "size" in str(nothing.bytes_in)
    assert nothing.bytes_out == 0
