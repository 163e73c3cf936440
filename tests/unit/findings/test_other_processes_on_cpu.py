"""Other processes on the machine: when they are the verdict, and when only a part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diag.analysis import analyze
from diag.findings import conclude, find
from diag.model.gaps import Confidence
from diag.model.samples import SampleSeries
from tests.unit.analysis.traces import capture_of
from tests.unit.findings.servers import AT_ONCE, IDLE_END, sessions, unfounded_numbers

if TYPE_CHECKING:
    from diag.analysis import Analysis

QUIET = sessions(4, end=990, run=(30, 980), period=3000) + IDLE_END.format(30_000)
BUSY = sessions(40, taken=20, run=(21, 990), end=999, period=1000)
CROWDED = sessions(40, enqueue=2, taken=110, end=990, run=(112, 980))
WAITING = sessions(4, enqueue=10, taken=700, run=(710, 900), period=1300)


def server(text: str, machine_percent: float, server_percent: float) -> Analysis:
    """A server on two cores, with its CPU samples."""
    units = {"cpu_percent": "%", "server_cpu_percent": "% of one core"}
    sample = {
        "unix_ns": 0,
        "cpu_percent": [machine_percent, machine_percent],
        "server_cpu_percent": server_percent,
    }
    series = SampleSeries("host", 50_000_000, units, (sample,))
    capture = capture_of(text).with_batching_parameters(AT_ONCE)
    return analyze(replace(capture, host_samples=series))


@pytest.mark.parametrize("percent", [7.0, 15.0, 45.0, 95.0])
def test_a_machine_that_others_fill_is_the_verdict_and_no_lack_of_demand(percent: float) -> None:
    analysis = server(QUIET, 98.0, percent)
    findings = find(analysis)
    assert [finding.id for finding in findings] == ["other-processes-on-cpu"]
    verdict = conclude(analysis, findings)
    assert verdict.what.startswith("Other processes use the CPU: the machine is 98% busy, and the ")
    assert "its threads may have to wait for a core" in verdict.what
    assert verdict.confidence is Confidence.MEDIUM
    assert verdict.doubt == ""
    assert unfounded_numbers(verdict.sentence, verdict.evidence) == []


@pytest.mark.parametrize(("machine", "own"), [(50.0, 15.0), (98.0, 110.0), (98.0, 190.0)])
def test_a_free_core_or_a_server_that_uses_most_of_the_cpu_is_not(
    machine: float, own: float
) -> None:
    assert "other-processes-on-cpu" not in [
        finding.id for finding in find(server(QUIET, machine, own))
    ]


def test_a_server_at_capacity_is_told_so_first() -> None:
    assert find(server(CROWDED, 98.0, 60.0))[0].id == "device-saturated"
    assert find(server(BUSY, 98.0, 60.0))[0].id == "other-processes-on-cpu"


def test_behind_another_finding_the_verdict_says_it_once() -> None:
    analysis = server(WAITING, 98.0, 30.0)
    findings = find(analysis)
    assert findings[0].id == "batch-dispatch-slow"
    assert "other-processes-on-cpu" not in [finding.id for finding in findings]
    assert "the server uses 0.30 of 2 cores" in conclude(analysis, findings).doubt
