"""Device events that are missing, by the tracer's own messages.

The warning reads "Detected GPU events dropped on <host>: Profiler has collected N driver events and
M device events. K events dropped because <reason>; L events dropped because <reason>."
(cupti_collector.cc ReportNumEventsIfDropped, ReportDroppedEvents; TensorFlow 2.2 to 2.21).
"""

from __future__ import annotations

import re

from diag.analysis.cupti_access import cupti_access, gpu_threads
from diag.analysis.device.summary import within
from diag.analysis.execution.device_work import DeviceWork
from diag.analysis.samples.untraced import gpus_requested
from diag.model.availability import Unavailable
from diag.model.capture import Capture
from diag.model.device import CuptiAccess, DeviceLoss

_DROPPED = re.compile(
    r"(\d+) events dropped because (.+?)\s*[:;.]*\s*(?=\d+ events dropped because|$)", re.DOTALL
)
_OF_A_GPU = re.compile(r"cupti|cuda|gpu|nvtx|roctracer|rocprof|hip", re.IGNORECASE)
_TEXT_MAX = 300


def find_loss(capture: Capture, device: DeviceWork) -> DeviceLoss:
    """Dropped events with their reasons, the GPU tracer's errors, and its overhead."""
    found = [hit for text in capture.trace_warnings for hit in _DROPPED.findall(text)]
    reasons = dict.fromkeys(_short(reason) for _, reason in found)
    errors = tuple(_short(text) for text in capture.trace_errors if _OF_A_GPU.search(text))
    threads, access = gpu_threads(capture), CuptiAccess.UNKNOWN
    if not device.devices and gpus_requested(capture):
        has_planes = bool(device.silent)
        access = cupti_access(errors, has_planes=has_planes, uses_gpu=threads > 0)
    return DeviceLoss(
        dropped=sum(int(count) for count, _ in found),
        reasons=tuple(reasons),
        errors=errors,
        overhead_ratio=_overhead(capture, device),
        access=access,
        gpu_threads=threads,
    )


def is_counted(capture: Capture) -> bool:
    """Whether every warning about dropped events has a number."""
    return all(
        _DROPPED.search(text) for text in capture.trace_warnings if "dropped" in text.lower()
    )


def _overhead(capture: Capture, device: DeviceWork) -> float | Unavailable:
    if not device.devices:
        return Unavailable("no device event was recorded")
    window = capture.window
    if not window.duration_ns:
        return Unavailable("the window is empty")
    return max(within(window, d.overhead).total_ns / window.duration_ns for d in device.devices)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _TEXT_MAX else words[:_TEXT_MAX] + "…"
