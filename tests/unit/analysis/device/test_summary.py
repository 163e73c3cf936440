"""Totals of a device, worked out by hand (microseconds)."""

from __future__ import annotations

from dataclasses import replace

from diag.analysis import analyze
from diag.model.availability import Unavailable
from diag.model.window import Window
from diag.report.wording.caveats import describe_caveat
from tests.unit.analysis.traces import analyzed, capture_of

MIXED = """
plane /host:CPU
line tf_Compute/1
  nothing 0..1000us
plane /device:GPU:0
stat gpu_device_name="NVIDIA H200" device_vendor=Nvidia
line Stream #1(Compute)
  a 100..200us kernel_details="regs:8"
  b 150..180us kernel_details="regs:8"
line Stream #2(Compute)
  c 190..300us kernel_details="regs:8"
line Stream #3(MemcpyH2D,Memset)
  MemcpyH2D 280..400us memcpy_details="kind_src:pinned kind_dst:device size:1000"
  Memset 390..450us Memset_details="kind:device num_bytes:8"
line Stream #4(MemcpyD2H)
  MemcpyD2H 500..520us memcpy_details="kind_src:device kind_dst:pinned size:30"
  MemoryAlloc 0..1000us memalloc_details="kind:device num_bytes:8"
"""


def test_kinds_of_work_are_apart_and_add_up() -> None:
    (device,) = analyzed(MIXED).devices
    assert device.name == "/device:GPU:0"
    assert device.model == "NVIDIA H200"
    assert (device.kernel_ns, device.copy_ns, device.memset_ns) == (200_000, 120_000, 50_000)
    assert (device.busy_ns, device.idle_ns) == (370_000, 630_000)
    assert (device.kernels, device.copies, device.memsets, device.unlinked) == (3, 2, 1, 6)
    assert (device.bytes_in, device.bytes_out) == (1000, 30)
    assert device.overhead_ns == 0


def test_events_are_cut_at_the_window() -> None:
    capture = replace(capture_of(MIXED), window=Window(150_000, 400_000))
    (device,) = analyze(capture).devices
    assert (device.kernel_ns, device.copy_ns, device.memset_ns) == (150_000, 100_000, 0)
    assert (device.busy_ns, device.idle_ns) == (250_000, 0)
    assert (device.kernels, device.copies, device.memsets) == (3, 1, 1)
    assert (device.bytes_in, device.bytes_out) == (1000, 0)


def test_a_gpu_without_events_beside_one_with_some_was_not_asked() -> None:
    used, unused = analyzed(f"{MIXED}\nplane /device:GPU:1\nstat device_vendor=AMD").devices
    assert used.busy_ns == 370_000
    assert unused.model == "AMD"
    assert (unused.busy_ns, unused.starved_ns) == (0, 0)
    assert unused.idle_ns == unused.no_demand_ns == 1_000_000
    assert (unused.kernels, unused.copies, unused.memsets, unused.bytes_in) == (0, 0, 0, 0)


def test_gpus_none_of_which_has_an_event_are_not_called_idle() -> None:
    analysis = analyzed("""
    plane /host:CPU
    line tf_Compute/1
      nothing 0..1000us
    plane /device:GPU:0
    plane /device:GPU:1
    line Steps
      1 0..900us
    """)
    assert [device.name for device in analysis.devices] == ["/device:GPU:0", "/device:GPU:1"]
    for device in analysis.devices:
        for value in (device.busy_ns, device.kernel_ns, device.idle_ns, device.no_demand_ns):
            assert isinstance(value, Unavailable)
            assert "could not be traced" in value.reason
    assert not any(timeline.is_device for timeline in analysis.timelines)
    assert isinstance(analysis.device_clock, Unavailable)


def test_copies_alone_make_a_device_busy() -> None:
    (device,) = analyzed("""
    plane /host:CPU
    line tf_Compute/1
      nothing 0..1000us
    plane /device:GPU:1
    line Stream #123(MemcpyH2D)
      MemcpyH2D 100..150us memcpy_details="size:4 dest:1 async:1"
    """).devices
    assert (device.busy_ns, device.kernel_ns, device.copy_ns) == (50_000, 0, 50_000)


def test_starved_and_unasked_time_are_those_of_the_timeline() -> None:
    analysis = analyzed("""
    plane /host:CPU
    line grpc
      SessionRun 0..400us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 0..350us id=1 _c=1
        d:DecodeJpeg 10..190us
        gemm 200..205us correlation_id=1
      nothing 400..3000us
    plane /device:GPU:0
    line Stream #1(Compute)
      gemm 210..380us correlation_id=1
    """)
    (device,), (idle,) = analysis.devices, analysis.idle
    assert device.starved_ns == idle.starved_ns > 0
    assert device.no_demand_ns == idle.no_demand_ns > 0
    assert device.idle_ns == idle.idle_ns


def test_a_trace_without_gpu_planes_has_no_devices() -> None:
    analysis = analyzed("line grpc\n  SessionRun 0..10us id=1 _p=1")
    assert analysis.devices == ()
    assert analysis.device_costs == ()
    assert analysis.kernels == ()
    assert analysis.device_ops == ()


def test_a_gpu_without_a_name_is_told_by_its_hardware() -> None:
    stats = (
        "stat device_vendor=AMD core_count=304 memory_size=206141652992 clock_rate=2100000 "
        "memory_bandwidth=2662400000000 compute_cap_major=9 compute_cap_minor=4"
    )
    _, device = analyzed(f"{MIXED}\nplane /device:GPU:1\n{stats}").devices
    assert device.model == "AMD, 304 cores, 192 GiB"
    hardware = device.hardware
    assert (hardware.vendor, hardware.compute_capability, hardware.cores) == ("AMD", "9.4", 304)
    assert hardware.memory_bytes == 206_141_652_992
    assert hardware.memory_bytes_per_s == 2_662_400_000_000
    assert hardware.clock_hz == 2_100_000_000


def test_hardware_that_is_not_told_is_not_available() -> None:
    device, bare = analyzed(f"{MIXED}\nplane /device:GPU:1\nstat core_count=x").devices
    assert device.hardware.vendor == "Nvidia"
    assert isinstance(bare.model, Unavailable)
    for value in (bare.hardware.cores, bare.hardware.clock_hz, bare.hardware.compute_capability):
        assert isinstance(value, Unavailable)


def test_derived_lines_are_no_recorded_events() -> None:
    derived = "line TensorFlow Ops\n  MatMul 100..200us\nline Steps\n  0 100..300us\n"
    assert analyzed(MIXED + derived).counts.events == analyzed(MIXED).counts.events == 8


def test_planes_of_other_devices_are_named() -> None:
    tpus = "".join(
        f'\nplane /device:TPU:{n}\nstat device_type_string="TPU v6 Lite"\nline XLA Ops\n  f 0..9us'
        for n in range(5)
    )
    (caveat,) = (c for c in analyzed(MIXED + tpus).caveats if c.code == "device-not-analysed")
    assert (caveat.fact("planes_count"), caveat.fact("events_count")) == (5, 5)
    assert caveat.fact("models") == ("TPU v6 Lite",)
    assert describe_caveat(caveat) == (
        "The trace has 5 planes of devices that are no GPUs: /device:TPU:0, /device:TPU:1, "
        "/device:TPU:2, /device:TPU:3 and 1 more (TPU v6 Lite), with 5 events. diag does not "
        "analyse them: how busy they were is not known."
    )
