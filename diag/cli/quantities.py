"""Option values with a unit: ``2s``, ``500ms``, ``512MB``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    IntType = click.ParamType[int]
else:
    IntType = click.ParamType  # generic since click 8.2 only

_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>[A-Za-z]*)")


class Quantity(IntType):
    """A number with a unit, converted to an int of the smallest unit.

    Attributes:
        units: Factor by unit, upper case; "" is a number without a unit.
        advice: How to write it, for the message.
        written: Units to write a value in, largest first.
    """

    units: ClassVar[Mapping[str, int]]
    advice: ClassVar[str]
    written: ClassVar[tuple[str, ...]]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The value in the smallest unit; an int is returned as it is."""
        if isinstance(value, int):
            return value
        match = _QUANTITY.fullmatch(str(value).strip())
        if match is None or match["unit"].upper() not in self.units:
            self.fail(f"{value!r} is not a {self.advice}", param, ctx)
        return int(Decimal(match["number"]) * self.units[match["unit"].upper()])

    def text(self, value: int) -> str:
        """The value as a user writes it, exact: ``2s``, ``512MB``."""
        for unit in self.written:
            number = Decimal(value) / self.units[unit.upper()]
            if number >= 1 and number == round(number, 3):
                return f"{number.normalize():f}{unit}"
        return str(value)


class Duration(Quantity):
    """A time as int ns; a number without a unit is in seconds."""

    name = "TIME"
    units: ClassVar[Mapping[str, int]] = {
        "": 10**9,
        "NS": 1,
        "US": 10**3,
        "MS": 10**6,
        "S": 10**9,
        "M": 60 * 10**9,
        "MIN": 60 * 10**9,
    }
    advice = "time: write 500ms, 2s, 5m or a number of seconds"
    written = ("m", "s", "ms", "us", "ns")


class Size(Quantity):
    """A number of bytes as int; MB is 10^6 and MiB 2^20."""

    name = "SIZE"
    units: ClassVar[Mapping[str, int]] = {
        "": 1,
        "B": 1,
        "KB": 10**3,
        "MB": 10**6,
        "GB": 10**9,
        "KIB": 1 << 10,
        "MIB": 1 << 20,
        "GIB": 1 << 30,
    }
    advice = "size: write 512MB, 1GiB or a number of bytes"
    written = ("GB", "MB", "KB")
