"""Whose work a device event is: by burst, by run, by batch, and from thread to thread."""

from __future__ import annotations

import pytest

from diag.analysis import Analysis
from tests.unit.analysis.traces import QUEUE_A, analyzed, stages_us, tiles_exactly

DEVICE = """
plane /device:GPU:0
line Stream #1(Compute)
  kernel 300..500us correlation_id=7
"""


def unlinked(analysis: Analysis) -> int:
    return sum(device.unlinked for device in analysis.devices)


def on_device_us(analysis: Analysis) -> float:
    return stages_us(analysis).get("compute", 0)


@pytest.mark.parametrize(
    "host",
    [
        """
line grpc
  SessionRun 0..1000us id=1 _p=1
line tf_Compute/1
  ExecutorState::Process 0..600us id=1 _c=1
    cuLaunchKernel 100..110us correlation_id=7
""",
        """
line grpc
  SessionRun 0..1000us id=1 _p=1
    cuLaunchKernel 100..110us correlation_id=7
""",
        """
line grpc
  SessionRun 0..1000us id=1 _p=1
    handed over 90..95us _p=55
line worker
  taken 99..200us _c=55
    cuLaunchKernel 100..110us correlation_id=7
""",
        """
line grpc
  SessionRun 0..1000us id=1 _p=1
    ThreadpoolListener::Record @90us _p=55
line pool
  ThreadpoolListener::StartRegion @99us _c=55
  handed on 100..101us _p=56
  ThreadpoolListener::StopRegion @102us
line worker
  ThreadpoolListener::StartRegion @105us _c=56
  cuLaunchKernel 106..110us correlation_id=7
  ThreadpoolListener::StopRegion @120us
""",
    ],
    ids=["burst", "run without bursts", "handed to a thread", "through two threads"],
)
def test_work_belongs_to_the_run_that_launched_it(host: str) -> None:
    analysis = analyzed(f"plane /host:CPU\n{host}{DEVICE}")
    assert on_device_us(analysis) == 200
    assert unlinked(analysis) == 0
    assert tiles_exactly(analysis)


@pytest.mark.parametrize(
    "host",
    [
        "line other\n  cuLaunchKernel 100..110us correlation_id=7",
        "line other\n  cuLaunchKernel 100..110us correlation_id=8",
        """
line pool
  ThreadpoolListener::StartRegion @50us _c=55
  ThreadpoolListener::StopRegion @60us
  cuLaunchKernel 106..110us correlation_id=7
""",
    ],
    ids=["outside any run", "another id", "after what the pool ran"],
)
def test_work_without_a_run_keeps_the_device_busy_and_is_counted(host: str) -> None:
    analysis = analyzed(f"""
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
    ThreadpoolListener::Record @40us _p=55
{host}
{DEVICE}""")
    assert on_device_us(analysis) == 0
    assert unlinked(analysis) == 1
    assert analysis.devices[0].busy_ns == 200_000
    (caveat,) = [c for c in analysis.caveats if c.code == "device-events-unlinked"]
    assert dict(caveat.facts) == {"unlinked_count": 1, "events_count": 1}


def test_without_bursts_the_innermost_run_on_the_thread_wins() -> None:
    analysis = analyzed(f"""
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
  SessionRun 2000..3000us id=2 _p=2
    cuLaunchKernel 2100..2110us correlation_id=7
{DEVICE.replace("300..500us", "2300..2500us")}""")
    assert stages_us(analysis, 0).get("compute") is None
    assert stages_us(analysis, 1)["compute"] == 200


def test_a_run_without_bursts_worked_on_its_own_thread_around_its_device_work() -> None:
    analysis = analyzed(f"""
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
    cuLaunchKernel 100..110us correlation_id=7
{DEVICE}""")
    assert stages_us(analysis) == {"preprocess": 300, "compute": 200, "postprocess": 500}


def batch(inside: str) -> str:
    return f"""
plane /host:CPU
line grpc
  BatchingSessionRun 0..1000us
    ScheduleOutputTask 5..6us size=1 _p={QUEUE_A + 1}
line b/1
  ProcessBatch 10..950us batch_size_before_padding=1 _c={QUEUE_A + 1}
{inside}
{DEVICE}"""


def test_a_function_run_that_launches_itself_owns_its_work_until_its_callback() -> None:
    analysis = analyzed(
        batch("""
    FunctionRun 50..200us id=1 _p=3
      cuLaunchKernel 100..110us correlation_id=7
line tf_Compute/1
  ExecutorDoneCallback 800..810us id=1 _c=3
""")
    )
    assert on_device_us(analysis) == 200
    assert unlinked(analysis) == 0


def test_a_launch_beside_the_run_but_in_its_batch_is_of_that_run() -> None:
    analysis = analyzed(
        batch("""
    cuLaunchKernel 20..25us correlation_id=7
    SessionRun 50..900us id=1 _p=3
""")
    )
    assert on_device_us(analysis) == 200
    assert unlinked(analysis) == 0


def test_correlation_id_0_is_no_id() -> None:
    analysis = analyzed(f"""
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
    cuLaunchKernel 100..110us correlation_id=0
{DEVICE.replace("correlation_id=7", "correlation_id=0")}""")
    assert (on_device_us(analysis), unlinked(analysis)) == (0, 1)


def test_all_kernels_of_one_graph_launch_are_of_its_run() -> None:
    kernels = "".join(
        f"  k{i} {300 + 20 * i}..{310 + 20 * i}us correlation_id=7\n" for i in range(9)
    )
    analysis = analyzed(f"""
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
    cuGraphLaunch (CudaGraph:3) 100..110us correlation_id=7
plane /device:GPU:0
line Stream #1(Compute)
{kernels}""")
    assert on_device_us(analysis) == 90
    assert unlinked(analysis) == 0
    assert analysis.device_costs[0].kernels_per_request == 9


def test_one_run_on_two_gpus_computes_where_either_does() -> None:
    analysis = analyzed("""
plane /host:CPU
line grpc
  SessionRun 0..1000us id=1 _p=1
    cuLaunchKernel 100..110us correlation_id=7
    cuLaunchKernel 120..130us correlation_id=8
plane /device:GPU:0
line Stream #1(Compute)
  a 300..500us correlation_id=7
plane /device:GPU:1
line Stream #1(Compute)
  b 400..600us correlation_id=8
""")
    assert on_device_us(analysis) == 300
    assert [device.busy_ns for device in analysis.devices] == [200_000, 200_000]
    # what it costs: both devices' time
    assert analysis.device_costs[0].device_ns_per_request == 400_000
    assert tiles_exactly(analysis)


def apart(second: str = "") -> str:
    """Calls of the thread of the first request, on a line of their own."""
    return f"""
plane /host:CPU
line grpc-1
  SessionRun 0..400us id=1 _p=1
  SessionRun 600..1000us id=2 _p=2
{second}
line Host Threads/1083
  hipModuleLaunchKernel 100..110us correlation_id=7
  hipModuleLaunchKernel 700..710us correlation_id=8
plane /device:GPU:0
line Stream #1(Kernel)
  kernel 300..350us correlation_id=7
  kernel 800..820us correlation_id=8
"""


def test_driver_calls_on_a_line_of_their_own_are_of_the_thread_that_was_at_work() -> None:
    analysis = analyzed(apart())
    assert [stages_us(analysis, i)["compute"] for i in (0, 1)] == [50, 20]
    assert unlinked(analysis) == 0


def test_another_thread_that_was_at_work_at_few_of_the_calls_does_not_matter() -> None:
    analysis = analyzed(apart("line grpc-2\n  SessionRun 650..750us id=3 _p=3"))
    assert unlinked(analysis) == 0


def test_which_of_two_busy_threads_made_the_calls_is_not_guessed() -> None:
    analysis = analyzed(apart("line grpc-2\n  SessionRun 50..950us id=3 _p=3"))
    assert unlinked(analysis) == 2


def test_calls_on_a_thread_with_a_name_are_its_own() -> None:
    analysis = analyzed(apart().replace("Host Threads/1083", "loader/7"))
    assert unlinked(analysis) == 2


def test_at_tracer_level_1_no_run_is_recorded_that_work_could_belong_to() -> None:
    analysis = analyzed(batch("line tf_Compute/1\n  cuLaunchKernel 100..110us correlation_id=7"))
    assert stages_us(analysis)["compute"] == 940
    assert unlinked(analysis) == 1
    assert analysis.device_costs == ()
    assert tiles_exactly(analysis)
