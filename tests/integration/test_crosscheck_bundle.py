"""A bundle whose GPU was traced and sampled, to what the command's report says of both."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from diag.cli import main
from diag.formats.bundle.manifest import ClockRecord, Manifest
from diag.formats.bundle.writer import BundleWriter
from diag.model.samples import SampledDevice, SampleSeries
from diag.testing.xspace_builder import build_space

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000
ORIGIN_UNIX_NS = 1_700_000_000_000_000_000
AHEAD_NS = 40 * MS  # The sampler's clock is behind the server's by this much.
PERIOD_MS = 200
SERVER = {"pid": 41, "name": "tensorflow_mode", "is_server": True, "sm_percent": 55}
OTHER = {"pid": 77, "name": "python3", "sm_percent": 38}
HOST = f"""
env profile_start_time={ORIGIN_UNIX_NS} profile_stop_time={ORIGIN_UNIX_NS + 2010 * MS}
plane /host:CPU
line idle
  Waiting 0..2000ms
"""


def gpu_plane(until_ms: int) -> str:
    """60 of every 100 ms at work, so that every period of the driver holds 60 %."""
    kernels = (
        f'gemm {start}..{start + 60}ms kernel_details="regs:32"'
        for start in range(0, until_ms, 100)
    )
    return "\n".join(("plane /device:GPU:0", "line Stream #7(Compute)", *kernels))


def samples(percent: int, *records: dict[str, Any]) -> SampleSeries:
    """What NVML gives over 2 s: the driver's own samples, and its list of processes once."""
    driver = [
        {
            "unix_ns": ORIGIN_UNIX_NS - AHEAD_NS + (n + 1) * PERIOD_MS * MS,
            "driver_utilization_percent": [percent],
        }
        for n in range(10)
    ]
    processes = {
        "unix_ns": ORIGIN_UNIX_NS - AHEAD_NS + 5 * MS,
        "processes": [[SERVER, *records]],
    }
    return SampleSeries(
        source="gpu",
        period_ns=50 * MS,
        units={"driver_utilization_percent": "%", "processes": ""},
        samples=(processes, *driver),
        devices=(SampledDevice("NVIDIA L4", "GPU-0"),),
    )


def report_of(
    folder: Path, capsys: pytest.CaptureFixture[str], trace: str, series: SampleSeries
) -> dict[str, Any]:
    """What ``diag analyze --format json`` prints of a bundle with these parts."""
    manifest = Manifest(
        created=datetime(2026, 11, 22, tzinfo=timezone.utc),
        diag_version="0.1.0",
        plan={"duration_ms": 2000},
        clocks=(ClockRecord("gpu", AHEAD_NS, 2 * MS),),
    )
    with BundleWriter(folder / "b.zip") as writer:
        writer.add_trace("10.0.0.7:8500", build_space(trace))
        writer.add_samples(series)
        bundle = writer.finish(manifest)
    assert main(["analyze", str(bundle), "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


WHOLE = HOST + gpu_plane(2000)


@pytest.mark.parametrize(
    ("trace", "series", "kind", "told"),
    [
        (WHOLE, samples(60), "agree", "they agree within 10 points"),
        (WHOLE, samples(95, OTHER), "other-process", "process 77 (python3) at 38% used the GPU"),
        (WHOLE, samples(95), "disagree", "more than the trace explains"),
        (HOST + gpu_plane(800), samples(60), "trace-truncated", "capture for less long"),
    ],
)
def test_each_outcome_comes_out_of_a_bundle(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    trace: str,
    series: SampleSeries,
    kind: str,
    told: str,
) -> None:
    (found,) = report_of(tmp_path, capsys, trace, series)["agreements"]
    assert (found["device"], found["source"], found["kind"]) == ("/device:GPU:0", "nvml", kind)
    assert told in found["text"]
    assert found["clock_error_ns"] == 2 * MS
    assert found["resolution_ns"] == PERIOD_MS * MS


def test_a_plane_that_is_missing_is_told_with_what_samples_saw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = report_of(tmp_path, capsys, HOST, samples(63))
    (found,) = report["agreements"]
    assert (found["device"], found["kind"]) == ("NVIDIA L4 (GPU 0)", "plane-missing")
    assert found["sampled_share"] == pytest.approx(0.63)
    assert "NVML saw NVIDIA L4 (GPU 0) 63% busy over the window" in json.dumps(report["caveats"])
