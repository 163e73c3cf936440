"""GPU time of a request, against tables worked out by hand (microseconds)."""

from __future__ import annotations

import pytest

from diag.analysis import Analysis
from diag.analysis.execution.device_links import waits_behind
from diag.analysis.execution.device_work import GPUS_MAX, find_device_work
from diag.analysis.execution.steps import find_steps
from diag.errors import InputError
from tests.unit.analysis.traces import QUEUE_A, analyzed, gaps_us, stages_us, tiles_exactly


def idle_us(analysis: Analysis) -> list[tuple[float, float]]:
    """Idle time of the only timeline, over all causes."""
    spans: list[tuple[float, float]] = []
    for start, end, _ in gaps_us(analysis):
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


ONE_STEP = """
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 50..700us id=1 _c=1
    d:DecodeJpeg 60..190us
    cuMemcpyHtoDAsync_v2 200..205us correlation_id=11
    m:MatMul 300..330us
      gemm 310..320us correlation_id=12
    m2:MatMul 400..430us
      gemm2 410..420us correlation_id=13
    cuMemcpyDtoHAsync_v2 500..505us correlation_id=14
plane /device:GPU:0
line Stream #16(MemcpyH2D)
  MemcpyH2D 220..260us correlation_id=11 memcpy_details="kind_src:host kind_dst:device"
line Stream #14(Compute)
  gemm 350..450us correlation_id=12
  gemm2 460..600us correlation_id=13
line Stream #17(MemcpyD2H)
  MemcpyD2H 620..660us correlation_id=14
"""


def test_stages_of_a_step_on_the_device() -> None:
    analysis = analyzed(ONE_STEP)
    assert stages_us(analysis) == {
        "queue-executor": 50,
        "preprocess": 165,  # host work from 50 to the first device work at 220
        "transfer-in": 5 + 40,  # the call, and the copy; the other call is during a kernel
        "compute": 100 + 140,
        "transfer-out": 40,
        # 260..350, 450..460 and 600..620: between device work
        "launch": 90 + 10 + 20,
        "postprocess": 340,  # 660..1000
    }
    assert tiles_exactly(analysis)


def test_device_is_busy_with_any_stream_and_idle_between() -> None:
    analysis = analyzed(ONE_STEP)
    (timeline,) = analysis.timelines
    assert (timeline.name, timeline.is_device) == ("/device:GPU:0", True)
    assert timeline.busy_ns == (40 + 100 + 140 + 40) * 1000
    idle = [(0, 220), (260, 350), (450, 460), (600, 620), (660, 1000)]
    assert idle_us(analysis) == idle
    assert "no-device-plane" not in [caveat.code for caveat in analysis.caveats]


@pytest.mark.parametrize(
    "line",
    [
        "TensorFlow Ops",
        "TensorFlow Name Scope",
        "Steps",
        "XLA Modules",
        "XLA Ops",
        "Source code",
        "Framework Ops",
        "CUPTI overhead",
        "_counters_",
    ],
)
def test_derived_lines_are_not_streams(line: str) -> None:
    derived = f"{ONE_STEP}\nline {line}\n  whole 0..1000us correlation_id=12\n"
    assert analyzed(derived).timelines[0].busy_ns == analyzed(ONE_STEP).timelines[0].busy_ns
    assert stages_us(analyzed(derived)) == stages_us(analyzed(ONE_STEP))


def test_copies_under_a_kernel_are_compute_and_overlapping_streams_count_once() -> None:
    analysis = analyzed("""
    plane /host:CPU
    line grpc
      SessionRun 0..100us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 0..100us id=1 _c=1
        a 1..2us correlation_id=1
        b 3..4us correlation_id=2
        c 5..6us correlation_id=3
    plane /device:GPU:0
    line Stream #1(Compute)
      a 10..50us correlation_id=1
    line Stream #2(Compute)
      b 40..60us correlation_id=2
    line Stream #3(MemcpyH2D)
      MemcpyH2D 45..70us correlation_id=3
    """)
    assert analysis.timelines[0].busy_ns == 60_000
    assert stages_us(analysis) == {
        "preprocess": 10,
        "compute": 50,
        "transfer-in": 10,
        "postprocess": 30,
    }


def two_steps(device_of_other: str = "") -> str:
    return f"""
    plane /host:CPU
    line grpc-1
      SessionRun 0..1000us id=1 _p=1
    line grpc-2
      SessionRun 0..1000us id=2 _p=2
    line tf_Compute/1
      ExecutorState::Process 0..1000us id=1 _c=1
        long 5..6us correlation_id=1
        long 7..8us correlation_id=3
    line tf_Compute/2
      ExecutorState::Process 0..1000us id=2 _c=2
        first 5..6us correlation_id=4
        mine 100..110us correlation_id=2
    plane /device:GPU:0
    line Stream #1(Compute)
      first 40..50us correlation_id=4
      mine 700..900us correlation_id=2
    {device_of_other}
      long 50..400us correlation_id=1
      long 450..600us correlation_id=3
    """


def test_kernel_behind_another_steps_kernels_waits_for_the_device() -> None:
    analysis = analyzed(two_steps("line Stream #2(Compute)"))
    assert stages_us(analysis, 1) == {
        "preprocess": 40,
        "compute": 10 + 200,
        # launched at 100, begun at 700, while the other's kernels ran
        "device-wait": 300 + 150,
        # 50..100 before the launch, and what no kernel of anybody covers
        "launch": 50 + 50 + 100,
        "postprocess": 100,
    }


def test_kernels_on_another_device_are_no_reason_to_wait() -> None:
    other = "plane /device:GPU:1\nline Stream #1(Compute)"
    stages = stages_us(analyzed(two_steps(other)), 1)
    assert "device-wait" not in stages
    assert stages["launch"] == 650


def test_kernels_nobody_launched_are_a_reason_to_wait() -> None:
    text = two_steps("line Stream #2(Compute)").replace(
        "correlation_id=1\n        long", "x=1\n long"
    )
    text = text.replace("long 7..8us correlation_id=3", "long 7..8us x=3")
    assert stages_us(analyzed(text), 1)["device-wait"] == 450


def test_device_events_without_a_host_side_keep_the_device_busy_only() -> None:
    orphan = (
        ONE_STEP
        + "\nline Stream #9(Compute)\n  other 700..800us correlation_id=999\n  x 810..820us\n"
    )
    analysis = analyzed(orphan)
    assert stages_us(analysis) == stages_us(analyzed(ONE_STEP))
    assert analysis.timelines[0].busy_ns == (320 + 110) * 1000


def test_repeated_correlation_ids_belong_to_the_latest_launch_before() -> None:
    text = """
    plane /host:CPU
    line grpc-1
      SessionRun 0..100us id=1 _p=1
      SessionRun 200..300us id=2 _p=2
    line tf_Compute/1
      ExecutorState::Process 0..100us id=1 _c=1
        k 10..11us correlation_id=1
      ExecutorState::Process 200..300us id=2 _c=2
        k 210..211us correlation_id=1
    plane /device:GPU:0
    line Stream #1(Compute)
      k 20..40us correlation_id=1
      k 230..240us correlation_id=1
    """
    analysis = analyzed(text)
    assert stages_us(analysis, 0) == {"preprocess": 20, "compute": 20, "postprocess": 60}
    assert stages_us(analysis, 1) == {"preprocess": 30, "compute": 10, "postprocess": 60}


def test_kernel_that_seems_to_begin_before_its_launch_still_belongs_to_it() -> None:
    """Device and host clocks are matched once, at the tracer's start, with some error."""
    text = ONE_STEP.replace("gemm 310..320us", "gemm 355..360us")
    assert stages_us(analyzed(text))["compute"] == 240


def test_several_kernels_of_one_launch_all_count() -> None:
    text = ONE_STEP.replace("gemm2 460..600us correlation_id=13", "g 460..600us correlation_id=12")
    assert stages_us(analyzed(text))["compute"] == 240


def test_batch_on_the_device() -> None:
    analysis = analyzed(f"""
    plane /host:CPU
    line grpc
      BatchingSessionRun 0..1000us
        ScheduleOutputTask 5..6us size=1 _p={QUEUE_A + 1}
    line b/1
      ProcessBatch 10..950us batch_size_before_padding=1 _c={QUEUE_A + 1}
        SessionRun 100..900us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 120..800us id=1 _c=1
        k 200..205us correlation_id=1
    plane /device:GPU:0
    line Stream #1(Compute)
      k 300..700us correlation_id=1
    """)
    assert stages_us(analysis) == {
        "schedule": 5,
        "queue-dispatch": 5,
        "batch-formation": 90,
        "queue-executor": 20,
        "preprocess": 180,
        "compute": 400,
        "postprocess": 200,
        "batch-split": 100,
    }
    assert idle_us(analysis) == [(0, 300), (700, 1000)]


def test_every_gpu_has_a_timeline_of_its_own() -> None:
    analysis = analyzed(two_steps("plane /device:GPU:1\nline Stream #1(Compute)"))
    assert [t.name for t in analysis.timelines] == ["/device:GPU:0", "/device:GPU:1"]
    assert [t.busy_ns for t in analysis.timelines] == [210_000, 500_000]
    assert tiles_exactly(analysis)


def test_many_kernels_launched_ahead_stay_affordable() -> None:
    """Each of 3000 launches waits behind all kernels before it: pairs, if taken one by one."""
    count = 3000
    launches = "".join(f"k {i}..{i}.5us correlation_id={i + 1}\n" for i in range(count))
    kernels = "".join(
        f"k {5000 + 2 * i}..{5001 + 2 * i}us correlation_id={i + 1}\n" for i in range(count)
    )
    analysis = analyzed(f"""
    plane /host:CPU
    line grpc
      SessionRun 0..20000us id=1 _p=1
    line tf_Compute/1
      ExecutorState::Process 0..5000us id=1 _c=1
        {launches}
    plane /device:GPU:0
    line Stream #1(Compute)
      {kernels}
    """)
    assert stages_us(analysis) == {
        "preprocess": 5000,
        "compute": count,
        "launch": count - 1,
        "postprocess": 20000 - 5000 - 2 * count + 1,
    }
    host = analysis.capture.planes[0].events
    steps = find_steps(host)
    (device,) = find_device_work(analysis.capture.planes, host, steps).devices
    assert len(waits_behind(device.events, host, steps).step) <= 2 * count


def test_more_gpus_than_a_server_has_are_refused_at_once() -> None:
    planes = "".join(f"plane /device:GPU:{index}\n" for index in range(GPUS_MAX + 1))
    with pytest.raises(InputError, match="257 GPU planes, 256 can be analysed"):
        analyzed(ONE_STEP.split("plane /device:GPU:0")[0] + planes)
