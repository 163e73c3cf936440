"""Time off the CPU, where more threads could run than there are cores, may be no waiting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis import analyze
from diag.model.samples import SampleSeries
from tests.unit.analysis.loops.programs import (
    LOADING,
    capture_of_program,
    dataset,
    eager,
    every_ms,
)
from tests.unit.findings.test_loops import found, with_map_function


@pytest.mark.parametrize(
    ("runnable", "waits"), [(1.0, True), (4.0, True), (5.0, False), (8.0, False)]
)
def test_on_crowded_cores_a_thread_off_the_cpu_may_wait_for_a_core(runnable, waits):
    sample = {"unix_ns": 0, "cpu_percent": [99.0, 99.0], "runnable_threads": runnable}
    units = {"cpu_percent": "%", "runnable_threads": "threads"}
    capture = capture_of_program(eager(5, 10_000), every_ms(52_000, LOADING, cpu=0.2))
    finding = found(
        analyze(replace(capture, host_samples=SampleSeries("host", 10**7, units, (sample,)))),
        "synchronous-preprocessing",
    )
    assert ("it waits: on the CPU for 20% of it" in finding.what) is waits
    computing = min(1.0, 0.2 * max(1.0, runnable / 2))
    if computing >= 0.6:
        assert "waits for a free core" in finding.gain.reason
    else:
        assert finding.gain.low == pytest.approx(450_000 + 2_000_000, rel=1e-3)
        most = max(450_000 + 10_000_000 * computing, 5_000_000)
        assert finding.gain.high == pytest.approx(most, rel=1e-3)


def test_on_crowded_cores_no_larger_pool_is_proposed_for_what_may_compute():
    text = dataset(10, 3000, pool=1, after_us=1)
    for runnable, advice in ((2.0, "private_threadpool_size"), (6.0, "cheaper")):
        sample = {"unix_ns": 0, "cpu_percent": [99.0, 99.0], "runnable_threads": runnable}
        units = {"cpu_percent": "%", "runnable_threads": "threads"}
        series = SampleSeries("host", 10**7, units, (sample,))
        crowded = analyze(replace(capture_of_program(text), host_samples=series))
        finding = found(with_map_function(crowded, 0.3), "input-pipeline-bound")
        assert advice in finding.remedies[0].action
