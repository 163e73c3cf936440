"""Validates values of drivers, exporters and kernels before they become samples.

An invalid value becomes None with a reason; all other values of the sample are kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from diag.formats.text.samples import LIST_MAX, NAME_MAX_CHARACTERS
from diag.model.samples import SampledDevice

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_MAX_CHARACTERS = NAME_MAX_CHARACTERS
_NUMBER_LIMIT = 1 << 63
_SURROGATES = re.compile("[\ud800-\udfff]")  # Python's stand-ins for bytes that are not UTF-8
# Valid range of a device's value, by unit. NVML marks a missing value by setting all bits
# (NVML_VALUE_NOT_AVAILABLE in nvml.h); real GPUs stay far inside all ranges.
_RANGES: dict[str, tuple[float, float]] = {
    "%": (0, 100),
    "ratio": (0, 1),
    "MHz": (0, 1e6),
    "mW": (0, 1e9),
    "W": (0, 1e6),
    "°C": (-273, 10_000),
    "bytes": (0, _NUMBER_LIMIT - 1),
    "bytes/s": (0, _NUMBER_LIMIT - 1),
}


def valid_text(text: str, most: int = TEXT_MAX_CHARACTERS) -> str:
    """The text with invalid characters replaced, cut to ``most`` characters."""
    return _SURROGATES.sub("\ufffd", text[:most])


def read_text(read: Any, *arguments: Any) -> str:
    """Call a pynvml function that returns text, also if the text is not UTF-8.

    Args:
        read: The function; pynvml decodes its result strictly.
        arguments: Arguments of the function.

    Raises:
        pynvml.NVMLError: From the function.
    """
    try:
        return valid_text(str(read(*arguments)))
    except UnicodeDecodeError as exc:
        return valid_text(exc.object.decode("utf-8", "replace"))


def valid_device(device: SampledDevice, index: int) -> SampledDevice:
    """The device with a valid name and uuid."""
    name = valid_text(device.name) or f"GPU {index}"
    return SampledDevice(name, valid_text(device.uuid), device.is_mig)


class SampleValidation:
    """Validates the samples of one reader.

    Attributes:
        missing: Reason by field, or by ``device:field``, for each that had an invalid value.
    """

    def __init__(self, *, of_devices: bool) -> None:
        """Prepare.

        Args:
            of_devices: Whether lists hold one value per GPU, so that each unit has a valid range.
                Values of the host have none: a process on many cores can use more than 100 %.
        """
        self._of_devices = of_devices
        self.missing: dict[str, str] = {}

    def validate(self, sample: dict[str, Any], units: Mapping[str, str]) -> dict[str, Any]:
        """The sample with its valid values; fields without any value are left out.

        Args:
            sample: Has a ``unix_ns``.
            units: Unit by field; fields without a unit are left out.
        """
        kept: dict[str, Any] = {"unix_ns": sample["unix_ns"]}
        for name, value in sample.items():
            if name == "unix_ns" or name not in units:
                continue
            if isinstance(value, list):
                found: Any = self._list(name, value, units[name])
            else:
                found = self._value(name, value, None)
            if found is not None:
                kept[name] = found
        return kept

    def _list(self, name: str, values: list[Any], unit: str) -> list[Any] | None:
        bounds = _RANGES.get(unit) if self._of_devices else None
        kept = [
            self._records(f"{index}:{name}", value)
            if isinstance(value, list)
            else self._value(f"{index}:{name}", value, bounds)
            for index, value in enumerate(values[:LIST_MAX])
        ]
        if len(values) > LIST_MAX:
            self.missing.setdefault(name, f"{len(values) - LIST_MAX:,} values are left out")
        return None if all(value is None for value in kept) else kept

    def _records(self, key: str, records: list[Any]) -> list[dict[str, Any]]:
        if len(records) > LIST_MAX:
            self.missing.setdefault(key, f"{len(records) - LIST_MAX:,} records are left out")
        return [
            {
                valid_text(part): self._value(f"{key}.{part}", value, None)
                for part, value in record.items()
            }
            for record in records[:LIST_MAX]
            if isinstance(record, dict)
        ]

    def _value(self, key: str, value: Any, bounds: tuple[float, float] | None) -> Any:
        """The value, or None after recording a reason."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return valid_text(value)
        if not isinstance(value, int | float):
            reason = f"a {type(value).__name__} is not a valid value"
        elif not -_NUMBER_LIMIT < value < _NUMBER_LIMIT:
            bits = f"an integer of {value.bit_length()} bits" if isinstance(value, int) else value
            reason = f"{bits} is not a valid value"
        elif bounds and not bounds[0] <= value <= bounds[1]:
            reason = f"{value:.6g} is outside the valid range, {bounds[0]:g} to {bounds[1]:g}"
        else:
            return value
        self.missing.setdefault(key, reason)
        return None
