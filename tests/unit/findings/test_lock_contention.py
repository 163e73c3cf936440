"""Ops that are at work while the server's threads do not run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import Analysis, analyze
from diag.findings import conclude, find
from diag.findings.ranking import not_looked_for
from diag.model.gaps import Confidence
from diag.model.samples import SampleSeries
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.gpu_traces import KERNEL, gpu_runs
from tests.unit.findings.servers import AT_ONCE, sessions, unfounded_numbers

# Requests one after the other, each in its run for 87 % of the time.
BUSY = sessions(40)
# The executor shows no burst of any run.
BLANK = "\n".join(line for line in BUSY.splitlines() if "ExecutorState" not in line)


def server(
    text: str, own_percent: float | None, machine_percent: float = 30.0, throttled_ns: int = 0
) -> Analysis:
    values = {} if own_percent is None else {"server_cpu_percent": own_percent}
    samples = tuple(
        {
            "unix_ns": i,
            "cpu_percent": [machine_percent] * 4,
            "cgroup_throttled_ns": i * throttled_ns,
            **values,
        }
        for i in range(2)
    )
    units = {
        "cpu_percent": "%",
        "server_cpu_percent": "% of one core",
        "cgroup_throttled_ns": "ns, counted up",
    }
    series = SampleSeries("host", 50_000_000, units, samples)
    capture = capture_of(text).with_batching_parameters(AT_ONCE)
    return analyze(replace(capture, host_samples=series))


def ids(analysis: Analysis) -> list[str]:
    return [finding.id for finding in find(analysis)]


def test_ops_at_work_without_cpu_time_may_wait_for_a_lock() -> None:
    analysis = server(BUSY, 20.0)
    found = find(analysis)[0]
    assert found.id == "lock-contention"
    assert found.confidence is Confidence.LOW
    assert found.what == (
        "Ops are at work 88% of the time, but the server uses 0.20 cores: its threads mostly do "
        "not run, maybe because they wait for a lock."
    )
    verdict = conclude(analysis, find(analysis))
    assert not unfounded_numbers(verdict.sentence, verdict.evidence)


def test_it_takes_the_place_of_time_without_an_explanation() -> None:
    assert "time-unexplained" in ids(server(BLANK, None))
    found = ids(server(BLANK, 20.0))
    assert "lock-contention" in found
    assert "time-unexplained" not in found


@pytest.mark.parametrize(
    "analysis",
    [
        server(BUSY, 50.0),  # more than half of the time
        server(BUSY, 20.0, machine_percent=95.0),  # other processes have the CPU
        server(BUSY, 20.0, throttled_ns=5_000_000),
        server(gpu_runs([(10, 900, "gemm", KERNEL)]), 10.0),  # threads wait for the GPU
    ],
    ids=["running", "full machine", "throttled", "gpu"],
)
def test_a_known_wait_or_a_thread_that_runs_is_none(analysis: Analysis) -> None:
    assert "lock-contention" not in ids(analysis)


def test_without_cpu_samples_of_the_server_it_says_so() -> None:
    analysis = analyze(capture_of(BUSY))
    assert "lock-contention" not in ids(analysis)
    reason = dict(not_looked_for(analysis))["lock-contention"]
    assert reason == "the server's machine was not sampled"
