"""The GPUs of this machine through NVML, where there is a driver.

NVML's utilization says whether some kernel ran during its own sample period of 1/6 to 1 s
(nvml.h, nvmlUtilization_t): it can confirm a busy window, never explain a gap.
"""

from diag.capture.samplers.nvml.opening import open_gpu_reader
from diag.capture.samplers.nvml.reader import GPU_PERIOD_NS, GPU_UNITS, GpuReader

__all__ = ["GPU_PERIOD_NS", "GPU_UNITS", "GpuReader", "open_gpu_reader"]
