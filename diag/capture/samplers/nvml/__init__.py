"""Samples of this machine's GPUs through NVML, NVIDIA's driver library.

NVML's utilization is the share of its own sample period, 1/6 to 1 s, in which a kernel ran (nvml.h,
nvmlUtilization_t). It can confirm that a GPU was busy, but it cannot explain a gap.
"""

from diag.capture.samplers.nvml.opening import open_gpu_reader
from diag.capture.samplers.nvml.reader import GPU_PERIOD_NS, GPU_UNITS, GpuReader

__all__ = ["GPU_PERIOD_NS", "GPU_UNITS", "GpuReader", "open_gpu_reader"]
