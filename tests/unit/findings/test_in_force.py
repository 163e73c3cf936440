"""A batching file that the server was not started with: said, and never sure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import analyze
from diag.findings import find
from diag.findings.in_force import file_doubt
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.capture import BatchingParameters
from diag.model.finding import Finding, RemedyKind
from diag.model.gaps import Confidence
from diag.testing.gpu_server import SINGLE_CAUSE, simulate
from tests.conftest import sample_path

# The server ran with 10 ms, 32 rows and two threads (sample_traces/README.md).
TRUE_US = 10_000


def of_a_file(timeout_us: int) -> tuple[str, tuple[Finding, ...]]:
    capture = open_bundle(
        sample_path("batch-timeout") / "server.xplane.pb",
        batching_parameters=BatchingParameters(32, timeout_us, num_batch_threads=2),
    )
    analysis = analyze(capture)
    return file_doubt(analysis), find(analysis)


def test_the_file_in_force_is_not_doubted() -> None:
    doubt, findings = of_a_file(TRUE_US)
    assert doubt == ""
    assert (findings[0].id, findings[0].confidence) == ("batch-timeout-dominates", Confidence.HIGH)


@pytest.mark.parametrize("timeout_us", [0, 500, 2_000, 5_000])
def test_a_shorter_timeout_in_the_file_blames_no_cpu_limit(timeout_us: int) -> None:
    doubt, findings = of_a_file(timeout_us)
    assert "(p50) after they were due by the file, with a batch thread free" in doubt
    assert "cpu-throttled" not in [finding.id for finding in findings]
    first = findings[0]
    assert first.confidence is Confidence.LOW
    assert first.confidence_reason == doubt
    if first.id == "batch-dispatch-slow":
        assert first.remedies[0].kind is RemedyKind.CAPTURE
        assert first.remedies[0].action.startswith(
            "Find out which batching parameters are in force"
        )


@pytest.mark.parametrize("timeout_us", [12_000, 20_000, 1_000_000])
def test_a_longer_timeout_in_the_file_promises_no_gain(timeout_us: int) -> None:
    doubt, findings = of_a_file(timeout_us)
    assert "started before the file's batch_timeout_micros had passed" in doubt
    first = findings[0]
    assert (first.id, first.confidence) == ("batch-timeout-dominates", Confidence.LOW)
    assert first.gain == Unavailable("the file's timeout contradicts the trace")


def test_throttling_is_only_found_where_the_cgroup_counted_it() -> None:
    (scenario,) = (each for each in SINGLE_CAUSE if each.name == "throttled")
    capture = simulate(scenario.plan, seed=2).capture()
    assert find(analyze(capture))[0].id == "cpu-throttled"
    without = replace(capture, host_samples=Unavailable("not sampled"))
    analysis = analyze(without)
    assert "cpu-throttled" not in [finding.id for finding in find(analysis)]
