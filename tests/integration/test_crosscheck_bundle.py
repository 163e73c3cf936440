"""A bundle whose GPU was traced and sampled, to what the command's report says of both."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from diag.cli import main
from diag.errors import EmptyCaptureError
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
    assert main(["analyze", str(bundle), "--format", "json"]) == EmptyCaptureError.exit_code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def agreement_of(report: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The only row of the table of agreements, and the sentence about it."""
    (devices,) = (section for section in report["sections"] if section["id"] == "devices")
    (table,) = (table for table in devices["tables"] if table["id"] == "agreements")
    (row,) = table["rows"]
    (note,) = (note["text"] for note in devices["notes"] if note["label"] == "samples")
    return row, note


WHOLE = HOST + gpu_plane(2000)


@pytest.mark.parametrize(
    ("trace", "series", "outcome", "reason", "text"),
    [
        (
            WHOLE,
            samples(60),
            "agree",
            "within-tolerance",
            (
                "Samples and trace agree on GPU 0: 60% busy by NVML, 60% by this server's kernels, "
                "over 2.00 s (within 10 points; "
            ),
        ),
        (
            WHOLE,
            samples(95, OTHER),
            "other-process",
            "others-work-too",
            "Another process uses GPU 0: process 77 (python3) at 38%. The GPU was 95% busy by NVML",
        ),
        (
            WHOLE,
            samples(95),
            "disagree",
            "no-others",
            "Samples and trace disagree on GPU 0: 95% busy by NVML, 60% by this server's kernels",
        ),
        (
            HOST + gpu_plane(800),
            samples(60),
            "trace-truncated",
            "ends-early",
            (
                "The trace of GPU 0 is not complete, as its last event is long before the samples "
                "become idle: "
            ),
        ),
    ],
)
def test_each_outcome_comes_out_of_a_bundle(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    trace: str,
    series: SampleSeries,
    outcome: str,
    reason: str,
    text: str,
) -> None:
    found, note = agreement_of(report_of(tmp_path, capsys, trace, series))
    assert (found["device"], found["source"]) == ("/device:GPU:0", "nvml")
    assert (found["outcome"], found["reason"]) == (outcome, reason)
    assert note.startswith(text)
    assert found["clock_error_ns"] == 2 * MS
    assert found["resolution_ns"] == PERIOD_MS * MS


def test_a_missing_plane_is_reported_with_the_sampled_utilization(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = report_of(tmp_path, capsys, HOST, samples(63))
    found, note = agreement_of(report)
    assert (found["device"], found["outcome"]) == ("NVIDIA L4 (GPU 0)", "plane-missing")
    assert found["sampled"] == pytest.approx(0.63)
    assert note.startswith("NVIDIA L4 (GPU 0) was 63% busy by NVML over the window, but the trace")
    (caveat,) = (each for each in report["caveats"] if each["code"] == "gpu-plane-missing")
    assert caveat["facts"]["busy_ratios"] == [pytest.approx(0.63)]
    assert "Sampled utilization over the window, by NVML: NVIDIA L4 (GPU 0) 63%" in caveat["text"]
