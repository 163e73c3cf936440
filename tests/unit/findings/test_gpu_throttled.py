"""A GPU whose clock is limited by power or heat, by samples of its driver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.findings.ranking import not_looked_for
from diag.model.finding import Finding, Gain
from diag.model.samples import SampledDevice, SampleSeries
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.gpu_traces import KERNEL, gpu_runs
from tests.unit.findings.servers import unfounded_numbers

POWER_CAP, HEAT, GPU_IDLE = 4, 32, 1
GEMM = [(10, 510, "gemm", KERNEL)]


def server(
    masks: list[int | None], clock: float | None = 1000.0, *, max_khz: int = 2_000_000
) -> Analysis:
    """A GPU with kernels for about half of each request, and samples of its clock and limits."""
    samples = tuple(
        {
            "unix_ns": i,
            **({} if mask is None else {"throttle_reasons": [mask]}),
            **({} if clock is None else {"sm_clock_mhz": [clock]}),
        }
        for i, mask in enumerate(masks)
    )
    units = {"throttle_reasons": "bit mask", "sm_clock_mhz": "MHz"}
    series = SampleSeries("gpu", 10, units, samples, devices=(SampledDevice("H200", "GPU-1"),))
    text = gpu_runs(GEMM, clock_khz=max_khz)
    return analyze(replace(capture_of(text), gpu_samples=series))


def throttled(analysis: Analysis) -> Finding | None:
    findings = find(analysis)
    verdict = conclude(analysis, findings)
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)
    return next((each for each in findings if each.id == "gpu-throttled"), None)


def test_a_clock_limited_by_power_is_named_with_what_it_costs() -> None:
    found = throttled(server([POWER_CAP, POWER_CAP | GPU_IDLE, POWER_CAP, 0]))
    assert found is not None
    assert found.what == (
        "/device:GPU:0 runs at 1000 of 2000 MHz in 75% of its samples, limited by its power limit."
    )
    assert "power limit" in found.remedies[0].action
    # 500 of 990 µs are in kernels, half of the clock is missing in three of four samples.
    assert isinstance(found.gain, Gain)
    assert found.gain.low == pytest.approx(990_000 - 500_000 * 0.75 / 2)
    assert found.gain.high == found.gain.now == 990_000


def test_heat_has_another_remedy() -> None:
    found = throttled(server([HEAT] * 4))
    assert found is not None
    assert "limited by heat" in found.what
    assert "Cool the GPU" in found.remedies[0].action


@pytest.mark.parametrize(
    "analysis",
    [
        server([POWER_CAP, 0, 0, 0, 0]),  # a fifth of the samples
        server([POWER_CAP] * 4, clock=1700.0),  # 15 % of half of the time
        server([GPU_IDLE] * 4),  # an idle GPU lowers its clock
    ],
    ids=["seldom", "nearly at its maximum", "idle"],
)
def test_a_clock_that_costs_little_is_no_finding(analysis: Analysis) -> None:
    assert throttled(analysis) is None


@pytest.mark.parametrize(
    ("analysis", "reason"),
    [
        (server([None] * 4), "the reasons that limit a GPU's clocks were not sampled"),
        (server([POWER_CAP], max_khz=0), "the trace does not name the highest clock of a GPU"),
        (analyze(capture_of(gpu_runs(GEMM))), "no GPU was sampled"),
    ],
)
def test_without_its_sources_it_is_silent_and_says_so(analysis: Analysis, reason: str) -> None:
    assert throttled(analysis) is None
    assert dict(not_looked_for(analysis))["gpu-throttled"] == reason


def test_a_limit_without_a_sampled_clock_is_no_finding() -> None:
    assert throttled(server([POWER_CAP] * 4, clock=None)) is None
