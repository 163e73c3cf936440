"""Names of the tables, and what a row of each is; importing them loads no NumPy."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROW_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "requests": "one request whose root event was recorded whole",
        "batches": "one batch whose processing was recorded whole",
        "gaps": "one piece of idle time",
        "devices": "one GPU plane of the trace",
        "kernels": "one of the kernels and ops with the most device time",
        "costs": "one model and executed batch size",
        "samples": "one number that was sampled during the capture",
    }
)
TABLE_NAMES: Final = tuple(ROW_OF)
