"""When GPUs are read, and the times of their samples."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tests.support.nvml_standin.child import sample_gpus

MS = 1_000_000


def test_the_drivers_own_samples_stand_at_its_times_each_once(nvml_library: Path) -> None:
    script = "driver sample_period_ms 50; 0 utilization 10; 0 utilization 90 @0.5"
    result = sample_gpus(nvml_library, script, seconds=1)
    own = [sample for sample in result["samples"] if "driver_utilization_percent" in sample]
    assert all(sample.keys() == {"unix_ns", "driver_utilization_percent"} for sample in own)
    steps = {b["unix_ns"] - a["unix_ns"] for a, b in pairwise(own)}
    assert {round(step / MS) for step in steps} == {50}
    assert 16 <= len(own) <= 21
    shares = [sample["driver_utilization_percent"] for sample in own]
    assert shares == sorted(shares)
    assert {share for (share,) in shares} == {10, 90}
    # They cover the window up to its end, and nothing from before it.
    readings = [sample["unix_ns"] for sample in result["samples"] if "power_mw" in sample]
    assert own[0]["unix_ns"] >= readings[0] - 10 * MS
    assert readings[-1] - own[-1]["unix_ns"] < 150 * MS


def test_stamps_that_are_no_wall_clock_are_a_reason(nvml_library: Path) -> None:
    # The driver's buffer is empty at first, so that only the window shows it.
    result = sample_gpus(nvml_library, "driver samples_from_boot 1", seconds=0.6)
    assert (
        "its time stamps are not wall clock time"
        in result["missing"]["0:driver_utilization_percent"]
    )
    assert not any("driver_utilization_percent" in sample for sample in result["samples"])
    assert any("utilization_percent" in sample for sample in result["samples"])


def test_fast_fields_are_in_every_reading_and_slow_ones_rarely(
    nvml_library: Path, tmp_path: Path
) -> None:
    result = sample_gpus(nvml_library, "", seconds=1.1, rate_hz=100, log=tmp_path / "log")
    assert result["period_ns"] == 10 * MS
    count = result["cost"]["readings"]
    assert count > 60
    # About 2 % of a core (docs/overhead.md); far more would be an error in the code.
    assert result["cost"]["cpu_ns"] < result["cost"]["elapsed_ns"] / 10
    found = {name: sum(name in sample for sample in result["samples"]) for name in result["units"]}
    assert found["utilization_percent"] == count
    assert found["power_mw"] == -(-count // 10)
    assert found["memory_used_bytes"] == -(-count // 50)
    assert found["processes"] == -(-count // 50)
    assert 1 <= found["pcie_tx_bytes_per_s"] <= 2
    calls = dict(line.split() for line in (tmp_path / "log").read_text().splitlines())
    assert int(calls["nvmlDeviceGetPcieThroughput"]) <= 4
    assert int(calls["nvmlDeviceGetSamples"]) < 12


def test_a_slow_count_of_pcie_traffic_delays_no_reading(nvml_library: Path) -> None:
    script = "gpus 2; driver pcie_block_ms 150"
    result = sample_gpus(nvml_library, script, seconds=1)
    assert result["cost"]["readings"] >= 15
    assert any("pcie_rx_bytes_per_s" in sample for sample in result["samples"])


def test_samples_are_in_order_of_time(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, "gpus 2", seconds=0.6)
    times = [sample["unix_ns"] for sample in result["samples"]]
    assert len(times) > 20
    assert times == sorted(times)


def test_a_mistake_in_a_script_ends_the_process_and_names_it(nvml_library: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import pynvml; pynvml.nvmlInit()"],
        env={**os.environ, "LD_LIBRARY_PATH": str(nvml_library), "NVML_STANDIN": "0 wattage 5"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (97, "NVML stand-in: no such key: 0 wattage 5\n")
