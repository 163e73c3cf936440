"""How a number with a unit is written for a person: the only place that formats ns, % and bytes."""

from __future__ import annotations

from diag.model.availability import Unavailable
from diag.model.forever import FOREVER_NS

NOT_AVAILABLE = "n/a"
_NS_PER_UNIT = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}


def milliseconds(value_ns: float | Unavailable) -> str:
    """A cell of a column in ms: three digits that count, ``n/a`` where there is no value."""
    if isinstance(value_ns, Unavailable):
        return NOT_AVAILABLE
    return _three_digits(value_ns / 1e6)


def duration(value_ns: float | Unavailable) -> str:
    """A time in the unit that suits it: ``12.6 ms``, ``840 µs``, ``2.02 s``."""
    if isinstance(value_ns, Unavailable):
        return NOT_AVAILABLE
    for unit, ns in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(value_ns) >= ns:
            return f"{_three_digits(value_ns / ns)} {unit}"
    return f"{value_ns:.0f} ns"


def instant(value_ns: int) -> str:
    """A point in time in ms to the microsecond, as trace viewers show it: ``1,234.567``."""
    return f"{value_ns / 1e6:,.3f}"


def percent(ratio: float | Unavailable) -> str:
    """A ratio of 0 to 1 as ``68.2%``."""
    return NOT_AVAILABLE if isinstance(ratio, Unavailable) else f"{_signed(ratio * 100, 1)}%"


def number(value: float | Unavailable) -> str:
    """A count or a mean of counts: ``1,234``, ``1.61``."""
    if isinstance(value, Unavailable):
        return NOT_AVAILABLE
    return f"{value:,}" if isinstance(value, int) else _three_digits(value)


def setting_text(value: float | str) -> str:
    """A parameter as users write it; a batch_timeout_micros that never passes as ``for ever``."""
    return "for ever" if value == FOREVER_NS // 1000 else str(value)


def quantity(value: float | Unavailable, unit: str) -> str:
    """A value with its unit; times, ratios and bytes in the form a person reads."""
    if isinstance(value, Unavailable):
        return NOT_AVAILABLE
    if unit in _NS_PER_UNIT:
        return duration(value * _NS_PER_UNIT[unit])
    if unit == "ratio":
        return percent(value)
    if unit == "mW":
        return f"{_three_digits(value / 1e3)} W"
    if unit in {"B", "bytes", "byte"}:
        return byte_size(value)
    if unit == "pid":
        return f"{value:.0f}"
    shown = number(int(value) if float(value).is_integer() else value)
    if unit.startswith("%"):
        return f"{shown}{unit}"
    return f"{shown} {unit}" if unit else shown


def byte_size(value: float) -> str:
    """Bytes in binary units: ``1.5 MiB``."""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(value) >= size:
            return f"{_three_digits(value / size)} {unit}"
    return f"{value:.0f} B"


def _three_digits(value: float) -> str:
    """Three digits that count, at most three after the point; whole from 100 on."""
    size = abs(value)
    if 0 < size < 0.0005:
        return "<0.001" if value > 0 else ">-0.001"
    if size == 0:
        return "0"
    return _signed(value, 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0)


def _signed(value: float, digits: int) -> str:
    """With thousands separators but no ``-0.0``."""
    text = f"{abs(value):,.{digits}f}"
    return f"-{text}" if value < 0 and text.strip("0.,") else text
