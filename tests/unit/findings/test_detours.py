"""Ops on the CPU in the middle of a model, and copies back and forth."""

from __future__ import annotations

import pytest

from diag.analysis import Analysis
from diag.findings import conclude, find
from diag.findings.metrics import measure
from diag.findings.ranking import not_looked_for
from diag.model.finding import Finding, Gain
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.gpu_traces import COPY_IN, COPY_OUT, KERNEL, Launch, gpu_runs
from tests.unit.findings.servers import sessions, unfounded_numbers

BOTH = ("cpu-fallback", "device-ping-pong")


def ids(analysis: Analysis) -> list[str]:
    return [finding.id for finding in find(analysis)]


def one(analysis: Analysis, rule: str) -> Finding:
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    assert [each for each in (each.id for each in findings) if each in BOTH] == [rule]
    found = findings[0]
    assert found.id == rule
    return found


def split_model(cpu_us: int, op: str = "lookup/ids:UniqueV2") -> str:
    """Runs of 990 µs: a kernel, ``cpu_us`` of an op on the CPU, and another kernel."""
    kernels = [(10, 300, "gemm", KERNEL), (310 + cpu_us, 950, "gemm", KERNEL)]
    return gpu_runs(kernels, ops=f"    {op} +305..+{305 + cpu_us}us\n")


def test_an_op_on_the_cpu_between_kernels_is_named() -> None:
    found = one(analyzed(split_model(400)), "cpu-fallback")
    assert found.what == (
        "Requests spend 40% of their time in ops of the model that run on the CPU between its GPU "
        "work, most in `lookup/ids:UniqueV2`."
    )
    assert "Run `lookup/ids:UniqueV2` on the GPU (tf.device" in found.remedies[0].action
    assert isinstance(found.gain, Gain)
    assert (found.gain.low, found.gain.high) == (590_000, 990_000)
    assert "launch-bound" not in ids(analyzed(split_model(400)))


@pytest.mark.parametrize(
    "text",
    [
        split_model(290),  # less than 0.3 of the time
        # Before the first kernel it is preprocessing, and behind the last one postprocessing.
        gpu_runs([(500, 600, "gemm", KERNEL)], ops="    early:UniqueV2 +10..+490us\n"),
        gpu_runs([(10, 100, "gemm", KERNEL)], ops="    late:UniqueV2 +105..+700us\n"),
        # Kernels run meanwhile.
        gpu_runs([(10, 950, "gemm", KERNEL)], ops="    aside:UniqueV2 +100..+800us\n"),
        # The op calls the driver, which allocates: a finding of its own.
        gpu_runs(
            [(10, 100, "gemm", KERNEL), (800, 900, "gemm", KERNEL)],
            ops="    x:UniqueV2 +110..+790us\n      cuMemAlloc_v2 +111..+789us\n",
        ),
    ],
    ids=["little", "before", "after", "meanwhile", "allocating"],
)
def test_an_op_that_holds_up_no_gpu_work_is_none(text: str) -> None:
    assert not set(BOTH) & set(ids(analyzed(text)))


def islands(trips: int, each_us: int) -> str:
    """Runs with kernels, and ``trips`` times a copy back and one to the GPU after it."""
    launches: list[Launch] = [(10, 20, "MemcpyH2D", COPY_IN)]
    for i in range(trips):
        at = 30 + i * (each_us + 50)
        launches += [
            (at, at + 40, "gemm", KERNEL),
            (at + 42, at + 52, "MemcpyD2H", COPY_OUT),
            (at + each_us + 30, at + each_us + 42, "MemcpyH2D", COPY_IN),
        ]
    launches += [(900, 940, "gemm", KERNEL), (945, 950, "MemcpyD2H", COPY_OUT)]
    return gpu_runs(launches)


def test_copies_back_and_forth_are_counted_with_their_time() -> None:
    analysis = analyzed(islands(3, 200))
    found = one(analysis, "device-ping-pong")
    assert found.what == (
        "A run copies data from the GPU and back 3.0 times on average; requests spend 61% of their "
        "time in that, without a kernel at work."
    )
    # From the begin of the copy back to the end of the copy to the GPU.
    assert measure(analysis, "device.away_per_request") == 600_000
    assert [check.high for check in found.verify] == [1.5, 300_000]


def test_inputs_at_the_begin_and_outputs_at_the_end_are_no_round_trip() -> None:
    analysis = analyzed(islands(0, 0))
    assert measure(analysis, "device.round_trips_per_run") == 0
    assert not set(BOTH) & set(ids(analysis))


def test_round_trips_that_take_little_are_none() -> None:
    analysis = analyzed(islands(3, 95))
    assert measure(analysis, "device.round_trips_per_run") == 3
    assert "device-ping-pong" not in ids(analysis)
    assert "device-ping-pong" in ids(analyzed(islands(3, 105)))


def test_without_gpu_events_both_are_not_looked_for() -> None:
    lacking = dict(not_looked_for(analyzed(sessions(4))))
    assert {lacking[rule] for rule in BOTH} == {"the trace has no events of a GPU"}
