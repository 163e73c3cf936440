"""Option values with a unit: ``2s``, ``500ms``, ``512MB``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    IntType = click.ParamType[int]
else:
    IntType = click.ParamType  # generic since click 8.2 only

_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)")
_NS_PER_UNIT = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9}
_BYTES_PER_UNIT = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
}


class Duration(IntType):
    """A time with its unit, as int ns."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Nanoseconds; a number without a unit is refused rather than guessed at."""
        if isinstance(value, int):
            return value
        match = _QUANTITY.fullmatch(str(value).strip())
        if match is None or match["unit"].lower() not in _NS_PER_UNIT:
            self.fail(f"{value!r} is no time; write 500ms, 2s or 5m", param, ctx)
        return int(Decimal(match["number"]) * _NS_PER_UNIT[match["unit"].lower()])


class Size(IntType):
    """A number of bytes, with or without a unit, as int."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes; MB is 10^6, MiB 2^20."""
        if isinstance(value, int):
            return value
        match = _QUANTITY.fullmatch(str(value).strip())
        if match is None or match["unit"].upper() not in _BYTES_PER_UNIT:
            self.fail(f"{value!r} is no size; write 512MB, 1GiB or bytes", param, ctx)
        return int(Decimal(match["number"]) * _BYTES_PER_UNIT[match["unit"].upper()])
