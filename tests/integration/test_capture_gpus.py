"""``diag capture`` on a machine with GPUs, whose driver answers from a script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diag.capture.plan import MS
from diag.formats.source import open_bundle
from diag.model.availability import Unavailable
from diag.model.samples import SampledDevice, SamplerCost, SampleSeries
from tests.support.fast_plan import manifest_of
from tests.support.nvml_standin import standin_environment
from tests.support.serving import serving

if TYPE_CHECKING:
    from diag.model.capture import Capture

SCRIPT = """
    gpus 2
    * name H200
    0 uuid GPU-a
    1 uuid GPU-b
    0 utilization 85
    1 utilization 0
    1 power !NOT_SUPPORTED
    0 process 4242 memory=1000 sm=85
"""

# Second 0 is when diag opens the driver; the recording begins some 0.1 s later.
HANGS = "0 utilization 1; 0 utilization hang @1.2"


def capture(
    folder: Path, library: Path, script: str, *options: str
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Runs the command against a test server, with this driver."""
    bundle = folder / "b"
    with serving() as server:
        command = [sys.executable, "-m", "diag", "capture", "--server", server.address]
        command += ["-o", str(bundle), "--duration", "600ms", "--no-warmup", "--metrics", "off"]
        done = subprocess.run(
            [*command, *options],
            env=standin_environment(library, script),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return done, bundle


def gpu_series(opened: Capture) -> SampleSeries:
    assert isinstance(opened.gpu_samples, SampleSeries)
    return opened.gpu_samples


def values(series: SampleSeries, name: str) -> list[Any]:
    return [sample[name] for sample in series.samples if name in sample]


def test_a_capture_keeps_what_every_gpu_said_over_its_window(
    tmp_path: Path, nvml_library: Path
) -> None:
    done, bundle = capture(tmp_path, nvml_library, SCRIPT, "--gpu-rate", "50", "--require", "gpu")
    assert done.returncode == 0, done.stderr
    series = gpu_series(open_bundle(bundle))
    assert series.devices == (SampledDevice("H200", "GPU-a"), SampledDevice("H200", "GPU-b"))
    assert series.period_ns == 20 * MS
    assert values(series, "utilization_percent")[-1] == [85, 0]  # a measured 0
    assert values(series, "power_mw")[-1] == [200000, None]
    assert "not supported" in series.missing["1:power_mw"]
    assert values(series, "processes")[-1] == [
        [{"pid": 4242, "memory_bytes": 1000, "sm_percent": 85}],
        [],
    ]
    assert isinstance(series.cost, SamplerCost)
    assert len(values(series, "utilization_percent")) == series.cost.readings > 15
    manifest = manifest_of(bundle)
    assert manifest["plan"]["gpu_rate_hz"] == 50
    assert manifest["sources"]["gpu"]["detail"] == "2 GPUs: H200, H200; driver 550.54"
    # They cover the window, and the offset of their clock is known.
    times = [sample["unix_ns"] for sample in series.samples if "utilization_percent" in sample]
    assert abs(times[0] - manifest["window"]["start_unix_ns"]) < 200 * MS
    assert abs(times[-1] - manifest["window"]["end_unix_ns"]) < 200 * MS
    assert "gpu" in {clock["source"] for clock in manifest["clocks"]}


def test_a_gpu_that_is_lost_meanwhile_costs_no_sample_that_was_taken(
    tmp_path: Path, nvml_library: Path
) -> None:
    done, bundle = capture(tmp_path, nvml_library, "* lost 1 @1.2", "--duration", "1.4s")
    assert done.returncode == 0, done.stderr
    series = gpu_series(open_bundle(bundle))
    assert len(values(series, "utilization_percent")) >= 3
    assert "the GPU is lost" in series.missing["samples"]
    (text,) = [
        caveat["text"]
        for caveat in manifest_of(bundle)["caveats"]
        if caveat["code"] == "samples-cut"
    ]
    assert text.startswith("Samples end early. gpu samples: none after reading ")
    assert "GPU 0 (Stand-in GPU): the GPU is lost" in text


def test_a_driver_that_hangs_meanwhile_does_not_hold_up_the_capture(
    tmp_path: Path, nvml_library: Path
) -> None:
    done, bundle = capture(tmp_path, nvml_library, HANGS, "--duration", "1.4s")
    assert done.returncode == 0, done.stderr
    assert "a reading did not return" in gpu_series(open_bundle(bundle)).missing["samples"]


def test_a_driver_that_is_not_loaded_is_the_reason_why_there_are_no_gpu_samples(
    tmp_path: Path, nvml_library: Path
) -> None:
    done, bundle = capture(tmp_path, nvml_library, "driver init !DRIVER_NOT_LOADED")
    assert done.returncode == 0, done.stderr
    found = open_bundle(bundle).gpu_samples
    assert isinstance(found, Unavailable)
    assert "the NVIDIA driver is installed but not loaded" in found.reason
    assert "no-gpu" in {caveat["code"] for caveat in manifest_of(bundle)["caveats"]}
