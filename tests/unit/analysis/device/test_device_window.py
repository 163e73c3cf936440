"""From when on GPUs were traced, and that nothing is claimed of the time before."""

from __future__ import annotations

import pytest

from diag.findings import conclude, find
from diag.model.gaps import IdleCause
from diag.report.build import build_report
from diag.report.rendering import render
from tests.unit.analysis.traces import analyzed

# Four requests, of which only the last is in the part with GPU records.
REQUESTS = "\n".join(
    f"""
line grpc/{n}
  SessionRun {n * 250}000..{n * 250 + 100}000us id={n + 1} _p={n + 1}
line tf_Compute/{n}
  ExecutorState::Process {n * 250 + 1}000..{n * 250 + 90}000us id={n + 1} _c={n + 1}
    m:MatMul {n * 250 + 2}000..{n * 250 + 80}000us
"""
    for n in range(4)
)
LAUNCH = "      cuLaunchKernel 753000..754000us correlation_id=4\n"
SERVER = f"plane /host:CPU\n{REQUESTS}{LAUNCH}line end\n  X 0..1000000us\n"
STREAM = """
plane /device:GPU:0
line Stream #7(Compute) at={at}us
  gemm 760000..800000us correlation_id=4 kernel_details="regs:32"
"""


def late(at: int = 700000) -> str:
    return SERVER + STREAM.format(at=at)


def test_gpus_are_known_from_the_start_of_their_lines_on() -> None:
    analysis = analyzed(late())
    (timeline,) = analysis.timelines
    assert (timeline.window.start_ns, timeline.window.end_ns) == (700_000_000, 1_000_000_000)
    assert timeline.busy_ns == 40_000_000
    (idle,) = analysis.idle
    assert idle.idle_ns == 260_000_000
    assert analysis.gaps.start_ns.min() == 700_000_000
    (device,) = analysis.devices
    assert (device.window, device.idle_ns) == (timeline.window, 260_000_000)
    (caveat,) = (c for c in analysis.caveats if c.code == "gpu-traced-late")
    assert caveat.fact("untraced_ns") == 700_000_000


def test_the_report_says_of_what_the_shares_are() -> None:
    analysis = analyzed(late())
    sentence = conclude(analysis, find(analysis)).device
    assert sentence.startswith("/device:GPU:0 was idle 87% of the 300 ms in which GPUs were traced")
    text = render(build_report(analysis), "text")
    assert "GPUs, shares of the 300 ms in which GPUs were traced" in text
    assert "in the first 700 ms (70%) is not known" in " ".join(text.split())


@pytest.mark.parametrize("at", [0, 9000])
def test_the_usual_delay_of_some_milliseconds_does_not_matter(at: int) -> None:
    """A server without requests at first leaves its GPUs idle, whenever the first kernel comes."""
    analysis = analyzed(late(at).replace("m:MatMul", "other:MatMul", 3))
    (timeline,) = analysis.timelines
    assert timeline.window == analysis.capture.window
    assert not any(c.code == "gpu-traced-late" for c in analysis.caveats)


def test_runs_without_gpu_work_of_a_graph_that_needs_it_show_a_late_start() -> None:
    """The lines begin before CUPTI has started."""
    (timeline,) = analyzed(late(0)).timelines
    assert timeline.window.start_ns == 753_000_000
    # Two such runs are too few.
    (timeline,) = analyzed(late(0).replace("m:MatMul", "other:MatMul", 1)).timelines
    assert timeline.window.start_ns == 0


FOREIGN = """
plane /host:CPU
line python
  PjitFunction(f) {first}..900000us
  X 0..1000000us
"""


def test_without_requests_nothing_is_known_before_the_first_gpu_event() -> None:
    text = FOREIGN.format(first=500000) + STREAM.format(at=0)
    analysis = analyzed(text)
    (timeline,) = analysis.timelines
    assert (timeline.window.start_ns, timeline.busy_ns) == (760_000_000, 40_000_000)
    assert analysis.idle[0].by_cause_ns[IdleCause.UNEXPLAINED] == 200_000_000
    assert (
        "16.7% of the 240 ms in which GPUs were traced"
        in conclude(analysis, find(analysis)).sentence
    )
