"""Samples of GPUs through the driver's interface; a child process for each driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from diag.capture.samplers.nvml import GPU_UNITS
from diag.formats.text.samples import LIST_MAX, decode_samples, encode_samples
from diag.model.samples import SampledDevice, SampleSeries
from tests.support.nvml_standin import build_standin
from tests.support.nvml_standin.child import sample_gpus

TIMED = {"driver_utilization_percent", "pcie_tx_bytes_per_s", "pcie_rx_bytes_per_s"}
TWO_GPUS = """
    gpus 2
    0 name H200 one
    1 name H200 two
    0 uuid GPU-1
    1 uuid GPU-2
    0 utilization 80
    1 utilization 5
    * memory_utilization 12
    * memory_total 80000
    0 memory_used 70000
    1 memory_used 100
    * sm_clock 1980
    * memory_clock 2619
    * power 650000
    * temperature 61
    * throttle 4
    * pcie_tx 300
    * pcie_rx 20
    * gpm_sm 42.5
    * gpm_tensor 7
    0 process 4242 memory=65000 sm=70
    0 process 17 memory=none sm=none
"""


def values(result: dict[str, Any], name: str) -> list[Any]:
    """The field in every sample that has it."""
    return [sample[name] for sample in result["samples"] if name in sample]


def readings(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The samples that are readings, not lines with a time of their own."""
    return [sample for sample in result["samples"] if not TIMED & sample.keys()]


def test_of_more_processes_than_can_be_kept_the_busiest_are(nvml_library: Path) -> None:
    script = "0 crowd 5000; 0 process 7 memory=none sm=50; 0 process 8 memory=none sm=none"
    result = sample_gpus(nvml_library, script, seconds=0.6)
    (listed,) = values(result, "processes")[-1]
    assert len(listed) == LIST_MAX
    assert listed[0] == {"pid": 7, "sm_percent": 50}
    assert {each["pid"] for each in listed[1:]} == set(range(105_000 - LIST_MAX + 1, 105_000))
    reason = result["missing"]["0:processes.left_out"]
    assert reason == "the 906 least active of 5,002 processes are left out"


def test_every_field_of_every_gpu(nvml_library: Path, tmp_path: Path) -> None:
    result = sample_gpus(nvml_library, TWO_GPUS, seconds=0.8, log=tmp_path / "log")
    assert result["missing"] == {}
    assert result["units"] == GPU_UNITS
    last = {name: values(result, name)[-1] for name in GPU_UNITS}
    assert last == {
        "utilization_percent": [80, 5],
        "memory_utilization_percent": [12, 12],
        "memory_used_bytes": [70000, 100],
        "memory_total_bytes": [80000, 80000],
        "sm_clock_mhz": [1980, 1980],
        "memory_clock_mhz": [2619, 2619],
        "power_mw": [650000, 650000],
        "temperature_celsius": [61, 61],
        "throttle_reasons": [4, 4],
        "pcie_tx_bytes_per_s": [300_000, 300_000],
        "pcie_rx_bytes_per_s": [20_000, 20_000],
        "gpm_sm_percent": [42.5, 42.5],
        "gpm_tensor_percent": [7, 7],
        "driver_utilization_percent": [80, 5],
        "processes": [[{"pid": 17}, {"pid": 4242, "memory_bytes": 65000, "sm_percent": 70}], []],
    }
    assert [device["name"] for device in result["devices"]] == ["H200 one", "H200 two"]
    assert [device["uuid"] for device in result["devices"]] == ["GPU-1", "GPU-2"]
    assert result["detail"] == "2 GPUs: H200 one, H200 two; driver 550.54"
    assert result["cost"]["readings"] == len(readings(result)) > 10
    assert result["cost"]["cpu_ns"] < result["cost"]["elapsed_ns"]
    # All resources of the driver were freed.
    calls = dict(line.split() for line in (tmp_path / "log").read_text().splitlines())
    assert (calls["nvmlShutdown"], calls["gpm_samples_alive"]) == ("1", "0")


def test_a_bundle_takes_the_samples_as_they_are(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, TWO_GPUS)
    series = SampleSeries(
        source=result["source"],
        period_ns=result["period_ns"],
        units=result["units"],
        samples=tuple(result["samples"]),
        missing=result["missing"],
        devices=tuple(SampledDevice(**device) for device in result["devices"]),
    )
    assert decode_samples(encode_samples(series), "here").samples == series.samples


def test_each_refusal_is_a_reason_of_its_own_and_never_zero(nvml_library: Path) -> None:
    result = sample_gpus(
        nvml_library,
        """
        gpus 6
        * temperature !NOT_SUPPORTED
        0 power 90000
        1 power !NOT_SUPPORTED
        2 power !NO_PERMISSION
        3 power !TIMEOUT
        4 power !UNKNOWN
        5 power !RESET_REQUIRED
        """,
    )
    # The GPU that works keeps its values.
    assert values(result, "power_mw")[-1] == [90000, None, None, None, None, None]
    reasons = [result["missing"][f"{index}:power_mw"] for index in range(1, 6)]
    assert [reason.partition(" (")[0] for reason in reasons] == [
        "not supported by this GPU and driver",
        "no permission to read it from the NVIDIA driver",
        "the NVIDIA driver timed out",
        "NVML: Unknown Error",
        "the GPU has to be reset",
    ]
    assert [f"NVML error {code}" in reasons[i] for i, code in enumerate((3, 4, 10, 999, 16))] == [
        True
    ] * 5
    # A field that no GPU has is in no sample.
    assert "temperature_celsius" not in result["units"]
    assert values(result, "temperature_celsius") == []
    assert values(result, "utilization_percent")[-1] == [30] * 6


def test_an_error_that_passes_leaves_a_hole_and_a_reason_with_its_time(nvml_library: Path) -> None:
    script = "gpus 2; 0 power 1; 0 power !TIMEOUT @0.3; 0 power 3 @0.6"
    result = sample_gpus(nvml_library, script, seconds=1)
    assert [kept for kept, _ in groups(values(result, "power_mw"))] == [
        [1, 200000],
        [None, 200000],
        [3, 200000],
    ]
    reason = result["missing"]["0:power_mw"]
    assert reason.startswith("the NVIDIA driver timed out (NVML error 10), 0.")
    assert reason.endswith(" s after sampling began")


def groups(found: list[Any]) -> list[tuple[Any, int]]:
    """Runs of equal values, with their lengths."""
    runs: list[tuple[Any, int]] = []
    for value in found:
        if runs and runs[-1][0] == value:
            runs[-1] = (value, runs[-1][1] + 1)
        else:
            runs.append((value, 1))
    return runs


def test_a_gpu_that_is_lost_ends_alone_and_the_reason_says_when(
    nvml_library: Path, tmp_path: Path
) -> None:
    script = "gpus 2; 1 lost 1 @0.4; 0 process 5 memory=1 sm=1"
    result = sample_gpus(nvml_library, script, seconds=0.9, log=tmp_path / "log")
    runs = groups(values(result, "utilization_percent"))
    assert [kept for kept, _ in runs] == [[30, 30], [30, None]]
    assert min(length for _, length in runs) >= 3
    reason = result["missing"]["1:samples"]
    assert reason.startswith("the GPU is lost: it fell off the bus (NVML error 15), 0.")
    assert not any(key.startswith("0:") and "gpm" not in key for key in result["missing"])


def test_when_every_gpu_is_lost_what_was_sampled_is_kept(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, "gpus 2; * lost 1 @0.3", seconds=0.8)
    kept = readings(result)
    assert 2 <= len(kept) < 12
    assert values(result, "utilization_percent") == [[30, 30]] * len(kept)
    assert result["missing"]["samples"].startswith(f"none after reading {len(kept)}: the GPU is")


def test_mig_says_what_it_does_not_give_and_gives_the_memory_of_slices(nvml_library: Path) -> None:
    result = sample_gpus(
        nvml_library,
        """
        gpus 2
        1 mig 1
        1 gpm_sm 50
        1 slice 20000000000 15
        1 slice 40000000000 0
        1 process 9 memory=77 sm=50
        """,
        seconds=0.3,
    )
    assert [device["is_mig"] for device in result["devices"]] == [False, True, True, True]
    assert [device["name"] for device in result["devices"]][2:] == [
        "Stand-in GPU MIG 20gb",
        "Stand-in GPU MIG 40gb",
    ]
    assert len({device["uuid"] for device in result["devices"]}) == 4
    assert result["detail"].startswith("2 GPUs and 2 MIG slices: ")
    assert values(result, "utilization_percent")[-1] == [30, None, None, None]
    assert values(result, "driver_utilization_percent")[-1] == [30, None, None, None]
    assert values(result, "memory_used_bytes")[-1][2:] == [15, 0]
    assert values(result, "processes")[-1] == [[], [{"pid": 9, "memory_bytes": 77}], None, None]
    for name in (
        "utilization_percent",
        "memory_utilization_percent",
        "driver_utilization_percent",
        "gpm_sm_percent",
        "processes.sm_percent",
    ):
        assert "in MIG mode" in result["missing"][f"1:{name}"]
    assert "MIG slice" in result["missing"]["2:utilization_percent"]
    assert "1:power_mw" not in result["missing"]


def test_a_gpu_that_could_be_sliced_and_is_not_gives_everything(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, "0 mig 0; 0 gpm_sm 1; 0 gpm_tensor 0", seconds=0.3)
    assert result["missing"] == {}
    assert [device["is_mig"] for device in result["devices"]] == [False]
    assert values(result, "gpm_tensor_percent")[-1] == [0]  # measured, not missing


def test_an_old_driver_is_asked_by_the_old_names(tmp_path: Path) -> None:
    gone = (
        "nvmlDeviceGetTemperatureV",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlGpmQueryDeviceSupport",
        "nvmlDeviceGetMigMode",
        "nvmlDeviceGetComputeRunningProcesses_v3",
        "nvmlDeviceGetSamples",
    )
    library = build_standin(tmp_path / "old", without=gone)
    result = sample_gpus(
        library, "0 temperature 44; 0 throttle 8; 0 process 3 memory=9", seconds=0.3
    )
    assert values(result, "temperature_celsius")[-1] == [44]
    assert values(result, "throttle_reasons")[-1] == [8]
    assert values(result, "processes")[-1] == [[{"pid": 3, "memory_bytes": 9}]]
    too_old = "this NVIDIA driver is too old for it (NVML error 13)"
    assert result["missing"] == {
        "0:gpm_sm_percent": too_old,
        "0:gpm_tensor_percent": too_old,
        "0:driver_utilization_percent": too_old,
    }


@pytest.mark.parametrize(
    ("refused", "record"),
    [
        ("processes", {"pid": 8, "sm_percent": 40}),
        ("process_utilization", {"pid": 8, "memory_bytes": 1000}),
    ],
)
def test_of_processes_what_is_permitted_is_kept(
    nvml_library: Path, refused: str, record: dict[str, int]
) -> None:
    script = f"0 process 8 memory=1000 sm=40; 0 {refused} !NO_PERMISSION"
    result = sample_gpus(nvml_library, script, seconds=0.7)
    assert values(result, "processes")[-1] == [[record]]
    part = "memory_bytes" if refused == "processes" else "sm_percent"
    assert "no permission" in result["missing"][f"0:processes.{part}"]


def test_processes_that_nobody_may_list_are_a_reason(nvml_library: Path) -> None:
    script = "0 processes !NO_PERMISSION; 0 process_utilization !NO_PERMISSION"
    result = sample_gpus(nvml_library, script, seconds=0.2)
    assert "no permission" in result["missing"]["0:processes"]
    assert "processes" not in result["units"]


def test_a_metric_that_a_gpu_lacks_is_a_reason_beside_the_other(nvml_library: Path) -> None:
    script = "0 gpm_sm 33; 0 gpm_tensor !NOT_SUPPORTED"
    result = sample_gpus(nvml_library, script, seconds=0.5)
    assert values(result, "gpm_sm_percent")[-1] == [33]
    assert values(result, "gpm_tensor_percent") == []
    assert "not supported" in result["missing"]["0:gpm_tensor_percent"]
