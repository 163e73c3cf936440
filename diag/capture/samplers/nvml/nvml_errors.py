"""The reason behind each NVML return code, in words (nvml.h, nvmlReturn_t)."""

from __future__ import annotations

import pynvml

# The GPU is unusable for this process; later calls fail too.
LOST = frozenset({pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED})
# Errors that stay for the whole recording.
LASTING = frozenset(
    {
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    }
)
# No newer sample; pynvml also raises "success" when a buffer stays empty.
NOTHING_NEW = frozenset({pynvml.NVML_ERROR_NOT_FOUND, pynvml.NVML_SUCCESS})

_REASONS = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: (
        "no NVIDIA driver on this machine: libnvidia-ml.so.1 is not found"
    ),
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is installed but not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "the NVIDIA driver that is loaded and its library are of different versions; "
        "reload the driver, or restart the container"
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: "no permission to read it from the NVIDIA driver",
    pynvml.NVML_ERROR_NOT_SUPPORTED: "not supported by this GPU and driver",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "this NVIDIA driver is too old for it",
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH: "this NVIDIA driver has another version of it",
    pynvml.NVML_ERROR_GPU_IS_LOST: "the GPU is lost: it fell off the bus",
    pynvml.NVML_ERROR_RESET_REQUIRED: "the GPU has to be reset",
    pynvml.NVML_ERROR_TIMEOUT: "the NVIDIA driver timed out",
}

WHOLE_GPU_IN_MIG = "not available in MIG mode: NVML has no utilization of a GPU divided into slices"
OF_A_SLICE = "not available for a MIG slice, of which NVML reports only the memory"


def reason_of(error: pynvml.NVMLError) -> str:
    """The reason for an error, with NVML's error number."""
    code: int = error.value
    return f"{_REASONS.get(code) or f'NVML: {error}'} (NVML error {code})"
