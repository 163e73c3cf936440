"""What a GPU plane tells of its hardware.

Plane stats of the GPU collectors: ``clock_rate`` in kHz, ``core_count``, ``memory_size`` in bytes,
``memory_bandwidth`` in bytes a second, ``compute_cap_major`` and ``_minor``, ``device_vendor``
(2023 on), ``gpu_device_name`` (2023 on, NVIDIA only); xla/tsl/profiler/utils/xplane_schema.cc, and
recordings of V100 (2020) and MI300X (2026). TPU planes have ``device_type_string``.
"""

from __future__ import annotations

from diag.formats.trace import event_names as ev
from diag.model.availability import Unavailable
from diag.model.device import DeviceHardware
from diag.model.events import Plane
from diag.model.quantity import byte_size

_NOT_TOLD = Unavailable("the plane does not tell it")
_KHZ = 1_000


def find_hardware(plane: Plane) -> DeviceHardware:
    """All that the plane tells; what it does not is Unavailable."""
    major, minor = (_whole(plane, name) for name in (ev.STAT_CAP_MAJOR, ev.STAT_CAP_MINOR))
    known = isinstance(major, int) and isinstance(minor, int)
    clock = _whole(plane, ev.STAT_CLOCK_RATE)
    return DeviceHardware(
        vendor=_text(plane, ev.STAT_GPU_VENDOR),
        compute_capability=f"{major}.{minor}" if known else _NOT_TOLD,
        cores=_whole(plane, ev.STAT_CORE_COUNT),
        memory_bytes=_whole(plane, ev.STAT_MEMORY_SIZE),
        memory_bytes_per_s=_whole(plane, ev.STAT_MEMORY_BANDWIDTH),
        clock_hz=clock if isinstance(clock, Unavailable) else clock * _KHZ,
    )


def model_name(plane: Plane) -> str | Unavailable:
    """The product's name; without one, what tells products apart: vendor, cores and memory."""
    for name in (ev.STAT_GPU_MODEL, ev.STAT_DEVICE_TYPE):
        told = _text(plane, name)
        if not isinstance(told, Unavailable):
            return told
    found = find_hardware(plane)
    parts = [] if isinstance(found.vendor, Unavailable) else [found.vendor]
    if not isinstance(found.cores, Unavailable):
        parts.append(f"{found.cores:,} cores")
    if not isinstance(found.memory_bytes, Unavailable):
        parts.append(byte_size(found.memory_bytes))
    return ", ".join(parts) or Unavailable("the plane does not name its device")


def _text(plane: Plane, name: str) -> str | Unavailable:
    value = plane.stats.get(name)
    return value if isinstance(value, str) and value else _NOT_TOLD


def _whole(plane: Plane, name: str) -> int | Unavailable:
    value = plane.stats.get(name)
    return value if isinstance(value, int) and value >= 0 else _NOT_TOLD
