"""Why the server's GPU tracer recorded nothing, as far as the trace tells.

The tracer's own errors say it best (``CuptiTracer::ErrorIfAny``: "<host>: <text>" in
``XSpace.errors``; XLA:xla/backends/profiler/gpu/cupti_tracer.cc, the same texts from TensorFlow 2.2
on and in the 2.21 binary). They are there only if the tracer started: where starting fails, newer
runtimes report nothing (``GpuTracer::CollectData``, device_tracer_cuda.cc 206e7400). A tracer that
started leaves a plane for every GPU, with or without events, as a V100 recording of 2020 has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.formats.trace import event_names as ev
from diag.model.device import CuptiAccess

if TYPE_CHECKING:
    from diag.model.capture import Capture

# The tracer's texts, and CUPTI's names of its errors (cupti_result.h, CUDA 12), which servers log
# and tools copy; issues of tensorflow/serving and openxla/xprof show both.
_REFUSED = (
    "Insufficient privilege to run libcupti",
    "CUPTI needs root access",
    "CUPTI need root access",
    "INSUFFICIENT_PRIVILEGES",
    "ERR_NVGPUCTRPERM",
)
_IN_USE = ("MULTIPLE_SUBSCRIBERS",)
_NOT_LOADED = ("Failed to load libcupti",)
_NO_GPU = ("No GPU detected",)


def cupti_access(errors: tuple[str, ...], *, has_planes: bool, uses_gpu: bool) -> CuptiAccess:
    """Why the tracer has nothing; without an error, only whether it started.

    Args:
        errors: Of the GPU tracer.
        has_planes: Whether the trace has planes of GPUs, even without events.
        uses_gpu: Whether the process is known to use a GPU.
    """
    refused, in_use = (_reports(errors, texts) for texts in (_REFUSED, _IN_USE))
    if refused and in_use:
        return CuptiAccess.REFUSED_AND_IN_USE
    for is_so, access in (
        (refused, CuptiAccess.REFUSED),
        (in_use, CuptiAccess.IN_USE),
        (_reports(errors, _NOT_LOADED), CuptiAccess.NOT_LOADED),
        (_reports(errors, _NO_GPU), CuptiAccess.NO_GPU),
        (bool(errors), CuptiAccess.UNKNOWN),
        (has_planes, CuptiAccess.SILENT),
        (uses_gpu, CuptiAccess.NOT_STARTED),
    ):
        if is_so:
            return access
    return CuptiAccess.UNKNOWN


def gpu_threads(capture: Capture) -> int:
    """Number of the host's threads in the trace that only a process with a GPU has."""
    return sum(
        line.name.startswith(ev.GPU_EVENT_THREADS)
        for plane in capture.planes
        if plane.name == ev.HOST_PLANE
        for line in plane.lines
    )


def _reports(errors: tuple[str, ...], texts: tuple[str, ...]) -> bool:
    return any(text in error for error in errors for text in texts)
