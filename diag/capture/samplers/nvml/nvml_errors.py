"""Why NVML does not answer, in words: each return code of nvml.h is its own reason."""

from __future__ import annotations

import pynvml

# The GPU is gone for this process: asking again cannot help (nvml.h, nvmlReturn_t).
LOST = frozenset({pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED})
# What it will not answer now it will not answer in this window.
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
# Nothing newer than what was asked for; pynvml also raises success when a buffer stays empty.
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
    pynvml.NVML_ERROR_NO_PERMISSION: "no permission to ask the NVIDIA driver for it",
    pynvml.NVML_ERROR_NOT_SUPPORTED: "not supported by this GPU and driver",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "this NVIDIA driver is too old to be asked for it",
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH: "this NVIDIA driver speaks another version of it",
    pynvml.NVML_ERROR_GPU_IS_LOST: "the GPU is lost: it fell off the bus",
    pynvml.NVML_ERROR_RESET_REQUIRED: "the GPU has to be reset",
    pynvml.NVML_ERROR_TIMEOUT: "the NVIDIA driver timed out",
}

WHOLE_GPU_IN_MIG = "not given in MIG mode: NVML has no utilization of a GPU that is cut in slices"
OF_A_SLICE = "not given for a MIG slice: only its memory is"


def reason_of(error: pynvml.NVMLError) -> str:
    """Why there is no answer, with NVML's own number."""
    code: int = error.value
    return f"{_REASONS.get(code) or f'NVML: {error}'} (NVML error {code})"
