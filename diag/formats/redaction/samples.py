"""Samples without names: of fields, devices and processes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from diag.formats.redaction.names import Names
    from diag.model.samples import SampleSeries

# The fields and units of docs/bundle-format.md.
FIELDS: Final = frozenset(
    [
        "unix_ns",
        "cpu_percent",
        "steal_percent",
        "load_1m",
        "runnable_threads",
        "memory_used_bytes",
        "memory_available_bytes",
        "memory_total_bytes",
        "diag_cpu_percent",
        "server_cpu_percent",
        "server_memory_bytes",
        "server_threads",
        "cgroup_periods",
        "cgroup_throttled_periods",
        "cgroup_throttled_ns",
        "utilization_percent",
        "memory_utilization_percent",
        "sm_clock_mhz",
        "power_mw",
        "throttle_reasons",
        "memory_clock_mhz",
        "temperature_celsius",
        "gpm_sm_percent",
        "gpm_tensor_percent",
        "processes",
        "driver_utilization_percent",
        "pcie_tx_bytes_per_s",
        "pcie_rx_bytes_per_s",
        "gpu_util_percent",
        "mem_copy_util_percent",
        "power_w",
        "fb_used_mib",
        "xid_errors",
        "gr_engine_active_ratio",
        "sm_active_ratio",
        "sm_occupancy_ratio",
        "tensor_active_ratio",
        "dram_active_ratio",
        "collected_age_ns",
        "latency_ns",
        "pid",
        "memory_bytes",
        "sm_percent",
        "name",
        "is_server",
        "samples",
        "page",
    ]
)
_UNITS: Final = frozenset(
    {
        *("%", "% of one core", "tasks", "bytes", "bytes/s", "threads", "ns", "ratio", "records"),
        *(
            "periods, counted up",
            "ns, counted up",
            "MHz",
            "mW",
            "W",
            "bit mask",
            "°C",
            "MiB",
            "XID",
        ),
    }
)


def redact_samples(series: SampleSeries, names: Names) -> SampleSeries:
    """The series with other names; numbers and times are the same."""
    devices = tuple(
        replace(device, name=names.trace(device.name), uuid=names.device(device.uuid))
        for device in series.devices
    )
    return replace(
        series,
        units={_field(key, names): _unit(unit, names) for key, unit in series.units.items()},
        samples=tuple(_sample(sample, names) for sample in series.samples),
        missing={_missing(key, names): names.message(why) for key, why in series.missing.items()},
        devices=devices,
        taken_by=names.address(series.taken_by),
    )


def _sample(sample: dict[str, Any], names: Names) -> dict[str, Any]:
    return {_field(key, names): _value(value, names) for key, value in sample.items()}


def _value(value: Any, names: Names) -> Any:
    """Numbers as they are; texts, such as the name of a process, without names."""
    if isinstance(value, str):
        return names.trace(value)
    if isinstance(value, list):
        return [_value(each, names) for each in value]
    return _sample(value, names) if isinstance(value, dict) else value


def _field(key: str, names: Names) -> str:
    return key if key in FIELDS else names.learn(key, "name")


def _missing(key: str, names: Names) -> str:
    """A field, or ``<device>:<field>``."""
    device, colon, field = key.rpartition(":")
    if colon and device.isdecimal():
        return f"{device}:{_field(field, names)}"
    return _field(key, names)


def _unit(unit: str, names: Names) -> str:
    return unit if unit in _UNITS else names.message(unit)
