"""GPU planes: time adds up, and nothing depends on how a trace is written down."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from diag.errors import DiagError
from diag.model.availability import Unavailable
from tests.property.gpu_traces import GpuTrace, gpu_rubbish, gpu_traces
from tests.property.test_idle_gaps import ticks
from tests.property.test_stages import gaps_of, rows_of
from tests.unit.analysis.traces import analyzed, tiles_exactly

if TYPE_CHECKING:
    from diag.analysis import Analysis


def rounded(row: object) -> str:
    """As text, without the last digits of its floats, which the order of a sum decides."""
    return re.sub(r"-?\d+\.\d+(e[-+]\d+)?", lambda found: f"{float(found[0]):.9g}", repr(row))


def tables(analysis: Analysis) -> dict[str, object]:
    """All that is said of requests, gaps and GPUs, in an order of its own."""
    return {
        "requests": rows_of(analysis),
        "gaps": sorted(gaps_of(analysis)),
        "causes": sorted(
            (idle.timeline.name, cause.value, ns)
            for idle in analysis.idle
            for cause, ns in idle.by_cause_ns.items()
        ),
        "devices": sorted(map(repr, analysis.devices)),
        "costs": sorted(map(rounded, analysis.device_costs)),
        "kernels": sorted(map(repr, analysis.kernels)),
        "ops": sorted(map(repr, analysis.device_ops)),
        "clock": analysis.device_clock,
        "loss": analysis.device_loss,
        "counts": (analysis.counts.requests, analysis.counts.complete, analysis.counts.censored),
    }


def adds_up(analysis: Analysis) -> bool:
    """Kinds of work to busy time, busy and idle time to the window, causes to idle time."""
    for device in analysis.devices:
        parts = (device.kernel_ns, device.copy_ns, device.memset_ns)
        if any(isinstance(value, Unavailable) for value in (device.busy_ns, *parts)):
            return False
        assert isinstance(device.busy_ns, int)
        assert isinstance(device.idle_ns, int)
        whole = device.window.duration_ns
        if sum(part for part in parts if isinstance(part, int)) != device.busy_ns:
            return False
        if device.busy_ns + device.idle_ns != whole:
            return False
        told = (device.starved_ns, device.no_demand_ns)
        if sum(part for part in told if isinstance(part, int)) > device.idle_ns:
            return False
    return tiles_exactly(analysis) and all(
        sum(idle.by_cause_ns.values()) == idle.idle_ns for idle in analysis.idle
    )


@settings(max_examples=50)
@given(gpu_traces())
def test_busy_time_is_the_union_of_the_streams_and_gaps_are_the_rest(trace: GpuTrace) -> None:
    analysis = analyzed(trace.text())
    assert adds_up(analysis)
    window = analysis.capture.window
    whole = ticks([(window.start_ns, window.end_ns)])
    assert len(analysis.devices) == len(trace.devices)
    for index, device in enumerate(analysis.devices):
        busy = ticks([(1000 * w[1], 1000 * w[2]) for w in trace.works(index)])
        assert device.busy_ns == 1000 * len(busy & whole)
        (timeline,) = (i for i, t in enumerate(analysis.timelines) if t.name == device.name)
        mine = analysis.gaps.timeline_index == timeline
        gaps = zip(
            analysis.gaps.start_ns[mine].tolist(), analysis.gaps.end_ns[mine].tolist(), strict=True
        )
        assert ticks(list(gaps)) == whole - busy
        kinds = {"gemm": 0, "relu": 0, "softmax": 0, "MemcpyH2D": 1, "MemcpyD2H": 1, "Memset": 2}
        counted = [0, 0, 0]
        for work in trace.works(index):
            counted[kinds[work[0]]] += 1
        assert [device.kernels, device.copies, device.memsets] == counted


@settings(max_examples=100)
@given(gpu_rubbish())
def test_rubbish_adds_up_too(trace: GpuTrace) -> None:
    try:
        analysis = analyzed(trace.text())
    except DiagError:
        return
    assert adds_up(analysis)


@settings(max_examples=50)
@given(gpu_traces(), st.integers(0, 1000))
def test_order_of_planes_lines_and_events_changes_no_table(trace: GpuTrace, seed: int) -> None:
    assert tables(analyzed(trace.text(seed))) == tables(analyzed(trace.text()))


@settings(max_examples=50)
@given(gpu_traces())
def test_derived_lines_change_no_table(trace: GpuTrace) -> None:
    derived = analyzed(trace.with_derived_lines().text())
    assert tables(derived) == tables(analyzed(trace.text()))


@settings(max_examples=50)
@given(gpu_traces(may_be_odd=False))
def test_work_in_two_pieces_keeps_the_gpu_as_busy(trace: GpuTrace) -> None:
    whole, split = analyzed(trace.text()), analyzed(trace.with_split_kernels().text())
    for one, other in zip(whole.devices, split.devices, strict=True):
        assert (one.busy_ns, one.kernel_ns, one.copy_ns) == (
            other.busy_ns,
            other.kernel_ns,
            other.copy_ns,
        )
    assert [t.busy_ns for t in whole.timelines] == [t.busy_ns for t in split.timelines]
    assert whole.requests.stage_ns.tolist() == split.requests.stage_ns.tolist()
