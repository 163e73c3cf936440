"""The sampled metrics of a DCGM exporter, their names in samples, and their valid values.

Names and units: NVIDIA dcgm-exporter, etc/default-counters.csv and etc/dcp-metrics-included.csv;
the field of clock event reasons by dcgm_fields.h of DCGM 3 and 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# dcgm_structs.h, "DCGM_BLANK_VALUES": values from here on mean "blank", "not found", "not
# supported" or "not permissioned", depending on the type. The exporter omits most of them.
_BLANK_INT32 = 0x7FFFFFF0
_BLANK_FP64 = 2.0**47

_PERCENT_MAX = 100.0
# A ratio of two counters that are not read at the same instant can exceed 1 slightly.
_RATIO_MAX = 1.05


@dataclass(frozen=True, slots=True)
class Field:
    """One sampled field.

    Attributes:
        name: Its name in samples.
        unit: Its unit in samples.
        metrics: The exporter's names for it, newest first.
        most: The largest valid value.
        is_whole: Whether it is an integer.
    """

    name: str
    unit: str
    metrics: tuple[str, ...]
    most: float
    is_whole: bool = False

    def value_of(self, number: float) -> int | float | None:
        """The value for a sample; None if DCGM marks it as missing."""
        if not math.isfinite(number) or not 0 <= number <= self.most:
            return None
        if self.unit == "ratio":
            return min(number, 1.0)
        return int(number) if self.is_whole else number


def _field(name: str, unit: str, *metrics: str, most: float, is_whole: bool = False) -> Field:
    return Field(name, unit, tuple(f"DCGM_FI_{metric}" for metric in metrics), most, is_whole)


def _ratio(name: str, metric: str) -> Field:
    return _field(name, "ratio", metric, most=_RATIO_MAX)


_INT32_MAX = _BLANK_INT32 - 1.0
_FP64_MAX = _BLANK_FP64 - 1.0

FIELDS: tuple[Field, ...] = (
    _field("gpu_util_percent", "%", "DEV_GPU_UTIL", most=_PERCENT_MAX),
    _field("mem_copy_util_percent", "%", "DEV_MEM_COPY_UTIL", most=_PERCENT_MAX),
    _ratio("gr_engine_active_ratio", "PROF_GR_ENGINE_ACTIVE"),
    _ratio("sm_active_ratio", "PROF_SM_ACTIVE"),
    _ratio("sm_occupancy_ratio", "PROF_SM_OCCUPANCY"),
    _ratio("tensor_active_ratio", "PROF_PIPE_TENSOR_ACTIVE"),
    _ratio("dram_active_ratio", "PROF_DRAM_ACTIVE"),
    # The exporter's older lists call these totals, but DCGM fields 1009 and 1010 are rates.
    _field("pcie_tx_bytes_per_s", "bytes/s", "PROF_PCIE_TX_BYTES", most=_FP64_MAX),
    _field("pcie_rx_bytes_per_s", "bytes/s", "PROF_PCIE_RX_BYTES", most=_FP64_MAX),
    _field("sm_clock_mhz", "MHz", "DEV_SM_CLOCK", most=_INT32_MAX, is_whole=True),
    _field("power_w", "W", "DEV_POWER_USAGE", most=_INT32_MAX),
    _field("temperature_celsius", "°C", "DEV_GPU_TEMP", most=_INT32_MAX, is_whole=True),
    _field("fb_used_mib", "MiB", "DEV_FB_USED", most=_INT32_MAX, is_whole=True),
    _field("xid_errors", "XID", "DEV_XID_ERRORS", most=_INT32_MAX, is_whole=True),
    _field(
        "throttle_reasons",
        "bit mask",
        "DEV_CLOCKS_EVENT_REASONS",
        "DEV_CLOCK_THROTTLE_REASONS",
        most=_INT32_MAX,
        is_whole=True,
    ),
)
FIELD_BY_METRIC: dict[str, Field] = {
    metric: field for field in FIELDS for metric in reversed(field.metrics)
}
