"""A driver that is missing, reports errors, or does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.nvml_standin import LIBRARY
from tests.support.nvml_standin.child import sample_gpus


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("driver init !DRIVER_NOT_LOADED", "the NVIDIA driver is installed but not loaded"),
        ("driver init !LIB_RM_VERSION_MISMATCH", "of different versions"),
        ("driver init !NO_PERMISSION", "no permission to read it from the NVIDIA driver"),
        ("driver init !UNKNOWN", "NVML: Unknown Error (NVML error 999)"),
        ("driver count !GPU_IS_LOST", "NVML cannot list the GPUs: the GPU is lost"),
        ("gpus 0", "the NVIDIA driver sees no GPU"),
        ("gpus 2; * lost 1", "NVML has no value of any GPU: the GPU is lost"),
    ],
)
def test_a_driver_that_refuses_is_a_reason(nvml_library: Path, script: str, reason: str) -> None:
    assert reason in sample_gpus(nvml_library, script)["unavailable"]


def test_no_driver_library_is_a_reason(tmp_path: Path) -> None:
    # Libraries in the system's folders are not tried after this one has failed.
    (tmp_path / LIBRARY).write_text("no library")
    reason = sample_gpus(tmp_path, "")["unavailable"]
    assert reason.startswith("no NVIDIA driver on this machine: libnvidia-ml.so.1 is not found")


def test_a_gpu_that_is_lost_from_the_start_leaves_the_others(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, "gpus 2; 0 lost 1", seconds=0.2)
    assert "the GPU is lost" in result["missing"]["0:utilization_percent"]
    shares = [sample.get("utilization_percent") for sample in result["samples"]]
    assert set(map(str, shares)) == {"[None, 30]", "None"}


def test_a_driver_that_never_answers_is_given_up(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, "driver init hang", open_timeout_s=0.2)
    assert result["unavailable"] == "the NVIDIA driver did not answer within 0.2 s"
    assert 0.2 <= result["open_s"] < 5


def test_a_driver_that_stops_to_answer_costs_what_comes_after_only(nvml_library: Path) -> None:
    script = "0 utilization 70; 0 utilization hang @0.4"
    result = sample_gpus(nvml_library, script, seconds=0.6, stop_timeout_s=0.2)
    assert result["stop_s"] < 5
    kept = [sample for sample in result["samples"] if "utilization_percent" in sample]
    assert len(kept) >= 3
    assert "a reading did not return within" in result["missing"]["samples"]
    assert f"none after reading {len(kept)}:" in result["missing"]["samples"]


def test_a_driver_that_cannot_be_let_go_of_costs_nothing(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, "driver shutdown hang", seconds=0.3)
    assert result["stop_s"] < 5
    assert result["missing"].keys() <= {"0:gpm_sm_percent", "0:gpm_tensor_percent"}
    assert any("utilization_percent" in sample for sample in result["samples"])


def test_names_that_are_no_text_are_read_as_far_as_they_are(nvml_library: Path) -> None:
    script = "0 name H200 \udcff; 0 uuid GPU-\udcfe1; driver version 55\udcff"
    result = sample_gpus(nvml_library, script, seconds=0.2)
    assert result["devices"] == [{"name": "H200 \ufffd", "uuid": "GPU-\ufffd1", "is_mig": False}]
    assert result["detail"] == "1 GPUs: H200 \ufffd; driver 55\ufffd"


def test_pcie_traffic_that_is_never_counted_holds_nothing_up(nvml_library: Path) -> None:
    result = sample_gpus(nvml_library, "0 pcie_tx hang", seconds=0.6)
    assert result["stop_s"] < 5
    assert "the driver did not answer" in result["missing"]["pcie_tx_bytes_per_s"]
    readings = [sample for sample in result["samples"] if "utilization_percent" in sample]
    assert len(readings) >= 8
