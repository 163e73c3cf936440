"""The same kernel, of the same op and grid, with widely different times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis
from diag.findings import conclude, find
from diag.findings.metrics import measure
from diag.findings.ranking import not_looked_for
from diag.model.finding import Finding, Gain
from tests.unit.analysis.traces import analyzed
from tests.unit.findings.gpu_traces import KERNEL, Launch, gpu_runs
from tests.unit.findings.servers import sessions, unfounded_numbers
from tests.unit.findings.test_device import shared_gpu

WIDER = KERNEL.replace("grid:1,1,1", "grid:2,1,1")


def lasting(us: int, details: str = KERNEL, name: str = "gemm") -> list[Launch]:
    return [(10, 10 + us, name, details)]


def unstable(analysis: Analysis) -> Finding | None:
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    return next((each for each in findings if each.id == "kernel-time-unstable"), None)


def test_a_kernel_that_takes_thrice_as_long_every_second_time() -> None:
    analysis = analyzed(gpu_runs([lasting(200), lasting(600)]))
    found = unstable(analysis)
    assert found is not None
    assert found.what == (
        "Kernel `gemm` takes 200 µs at p10 and 600 µs at p90 for the same op and grid."
    )
    assert measure(analysis, "device.kernel_spread") == 3
    # Half of the runs take 400 µs longer than the others.
    assert isinstance(found.gain, Gain)
    assert found.gain.low == pytest.approx(990_000 - 200_000)


@pytest.mark.parametrize(
    "text",
    [
        gpu_runs([lasting(300), lasting(599)]),  # less than twice
        gpu_runs([lasting(60), lasting(200)]),  # 70 of 990 µs on average
        gpu_runs([lasting(200), lasting(600)], count=29),
        gpu_runs([lasting(200), lasting(600, WIDER)]),  # a larger grid
        gpu_runs([lasting(200), lasting(600, name="conv")]),
        gpu_runs([lasting(300)] * 39 + [lasting(900)]),  # one of forty
    ],
    ids=["less than twice", "little time", "few", "another grid", "another kernel", "seldom"],
)
def test_kernels_that_differ_for_a_reason_or_little_are_none(text: str) -> None:
    assert unstable(analyzed(text)) is None


def test_a_known_cause_comes_first() -> None:
    analysis = analyzed(gpu_runs([lasting(200), lasting(600)]))
    assert unstable(replace(analysis, agreements=shared_gpu(0.9).agreements)) is None
    assert unstable(replace(analysis, agreements=shared_gpu(0.6).agreements)) is not None


def test_kernels_that_overlap_on_two_streams_make_each_other_longer() -> None:
    text = gpu_runs([lasting(200), lasting(600)])
    other = "".join(
        f"  other {i * 1000 + 10}..{i * 1000 + 200}us correlation_id={900_000 + i} {KERNEL}\n"
        for i in range(40)
    )
    assert unstable(analyzed(f"{text}\nline Stream #2(Compute)\n{other}")) is None


def test_without_gpu_events_it_is_not_looked_for() -> None:
    lacking = dict(not_looked_for(analyzed(sessions(4))))
    assert lacking["kernel-time-unstable"] == "the trace has no events of a GPU"
