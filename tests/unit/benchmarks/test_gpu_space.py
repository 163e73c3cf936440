from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gpu_space import gap_space, gpu_space
from diag.analysis import analyze
from diag.formats.trace.capture import capture_from_trace
from diag.formats.trace.xspace import decode_space
from tests.oracle.xspace_comparison import assert_agrees_with_oracle
from tests.unit.analysis.traces import tiles_exactly

if TYPE_CHECKING:
    from diag.analysis import Analysis


def analysis_of(data: bytes) -> Analysis:
    return analyze(capture_from_trace("big", data, "big"))


def test_kernels_by_the_thousand_are_sound_and_each_belongs_to_a_launch() -> None:
    data, events = gpu_space(10_000)
    assert gpu_space(10_000) == (data, events)
    assert assert_agrees_with_oracle(decode_space(data), data) == events
    analysis = analysis_of(data)
    assert tiles_exactly(analysis)
    (device,) = analysis.devices
    assert device.kernels + device.copies == 10_000 // 930 * 930
    assert device.unlinked == 0
    assert analysis.counts.complete == 8 * (10_000 // 930)


def test_requests_with_a_kernel_each_leave_a_gap_behind_each() -> None:
    requests = 500
    data, events = gap_space(requests)
    assert assert_agrees_with_oracle(decode_space(data), data) == events
    analysis = analysis_of(data)
    assert tiles_exactly(analysis)
    assert analysis.counts.complete == requests
    (device,) = analysis.devices
    assert (device.kernels, device.unlinked) == (requests, 0)
    assert len(analysis.gaps) > requests
