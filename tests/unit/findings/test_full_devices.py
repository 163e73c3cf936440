"""A GPU or CPU that is busy all the time: what is said of it, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.gaps import Confidence
from diag.model.samples import SampleSeries
from diag.testing.gpu_server import SCENARIOS, simulate

if TYPE_CHECKING:
    from diag.model.capture import Capture

LIVE = Path(__file__).parents[2] / "recordings" / "live"


def test_threads_that_wait_for_a_full_gpu_are_not_to_be_more() -> None:
    analysis = analyze(simulate(SCENARIOS["unbatched-overload"].plan, seed=5).capture())
    first, *others = find(analysis)
    assert first.id == "batching-disabled"
    assert first.remedies[0].setting is not None
    assert first.remedies[0].setting.name == "enable_batching"
    assert "executor-pool-saturated" not in {finding.id for finding in others}


def test_threads_that_wait_for_each_other_are() -> None:
    analysis = analyze(simulate(SCENARIOS["executor-pool-saturated"].plan, seed=5).capture())
    assert find(analysis)[0].id == "executor-pool-saturated"


@pytest.mark.parametrize("name", ["device-saturated", "unbatched-overload"])
def test_how_busy_a_device_is_at_capacity_is_said_once(name: str) -> None:
    analysis = analyze(simulate(SCENARIOS[name].plan, seed=5).capture())
    assert "0%" not in conclude(analysis, find(analysis)).sentence.split()
    assert conclude(analysis, find(analysis)).sentence.count("/device:GPU:0") <= 1


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25, 0.1])
@pytest.mark.parametrize("fewer", ["", "metrics", "server"])
def test_an_overload_without_batching_leads_however_little_cpu_the_server_gets(
    share: float, fewer: str
) -> None:
    """Requests wait in its own queue, whatever else the machine's CPU is busy with."""
    capture = with_server_share(open_bundle(LIVE / "unb_overload.zip"), share)
    if fewer:
        capture = replace(capture, **{fewer: Unavailable("taken away")})
    findings = find(analyze(capture))
    assert findings[0].id == "batching-disabled"
    assert "other-processes-on-cpu" not in {finding.id for finding in findings}


@pytest.mark.parametrize(
    ("has_samples", "confidence"), [(True, Confidence.HIGH), (False, Confidence.MEDIUM)]
)
def test_spare_capacity_is_not_sure_where_the_cpu_was_not_sampled(
    has_samples: bool, confidence: Confidence
) -> None:
    capture = open_bundle(LIVE / "noisy_n.zip")
    series = capture.host_samples
    assert isinstance(series, SampleSeries)
    idle = tuple({**sample, "cpu_percent": [5.0, 5.0]} for sample in series.samples)
    samples = replace(series, samples=idle) if has_samples else Unavailable("taken away")
    finding = find(analyze(replace(capture, host_samples=samples)))[0]
    assert (finding.id, finding.confidence) == ("no-demand", confidence)
    assert ("CPU was not sampled" in finding.confidence_reason) is not has_samples


def with_server_share(capture: Capture, share: float) -> Capture:
    """The same capture, as if the server had got only this part of its CPU time."""
    series = capture.host_samples
    assert isinstance(series, SampleSeries)
    samples = tuple(_scaled(sample, share) for sample in series.samples)
    return replace(capture, host_samples=replace(series, samples=samples))


def _scaled(sample: dict[str, Any], share: float) -> dict[str, Any]:
    used = sample.get("server_cpu_percent")
    return sample if used is None else {**sample, "server_cpu_percent": used * share}
