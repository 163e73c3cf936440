"""Sampled values as numbers, and each sampled field summarized over the window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.samples import SampleSeries

# How a sampler marks the unit of a value that only grows (diag/capture/samplers/host).
COUNTER_SUFFIX = ", counted up"
# Numbers that are codes (queries.py and fields.py in diag/capture/samplers/).
_CODES = {
    "throttle_reasons": Unavailable("a bit mask: each bit is a separate reason"),
    "xid_errors": Unavailable("the code of the last error"),
}
# Samplers nest three levels at most (devices, processes, fields), but a file can hold anything.
DEPTH_MAX = 8
_IDENTITY = "pid"  # identifies a record of a list; not a measurement
_IS_SERVER = "is_server"  # marks the server's own record; not a measurement
_UNIT_BY_LAST_WORD = {"bytes": "bytes", "percent": "%", "ns": "ns", "mw": "mW", "ratio": "ratio"}


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """One sampled field over the window; for a field with a list, over all elements of the list.

    Attributes:
        field: Its name, e.g. ``cpu_percent`` or ``processes.memory_bytes``.
        unit: Of the three values; "" if they have none.
        mean: Unavailable for a counter.
        max: Unavailable for a counter.
        increase: Of a counter, from the first sample to the last; Unavailable for other fields.
    """

    field: str
    unit: str
    mean: float | Unavailable
    max: float | Unavailable
    increase: float | Unavailable


class Reading(NamedTuple):
    """One sampled number.

    Attributes:
        field: Its name; for a value sampled per process, e.g. ``processes.memory_bytes``.
        place: Core, device or ``<device>.<pid>`` where the field has several values, else "".
        value: As sampled.
        unit: Of the value; "" if it has none.
    """

    field: str
    place: str
    value: float
    unit: str


def readings_in(name: str, unit: str, value: Any, depth: int = DEPTH_MAX) -> Iterator[Reading]:
    """Yield the numbers in a sampled value.

    Anything else in it is skipped: text, and ``null`` in a list for a device without a value.

    Args:
        name: Of the field.
        unit: Of the field; a nested field takes its unit from the last word of its own name.
        value: As decoded from JSON.
        depth: How many more levels of lists and dicts are read.
    """
    if depth == 0:
        return
    if isinstance(value, dict):
        identity = value.get(_IDENTITY)
        for key, item in value.items():
            if key not in (_IDENTITY, _IS_SERVER):
                below = readings_in(f"{name}.{key}", _unit_of(str(key), unit), item, depth - 1)
                yield from below if identity is None else _indexed(str(identity), below)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if item is None:
                continue
            is_process = isinstance(item, dict) and _IDENTITY in item
            below = readings_in(name, unit, item, depth - 1)
            yield from below if is_process else _indexed(str(index), below)
    elif isinstance(value, int | float) and math.isfinite(value):
        yield Reading(name, "", float(value) if isinstance(value, bool) else value, unit)


def _indexed(index: str, readings: Iterator[Reading]) -> Iterator[Reading]:
    for item in readings:
        inner = f"{index}.{item.place}" if item.place else index
        yield Reading(item.field, inner, item.value, item.unit)


def _unit_of(key: str, unit: str) -> str:
    """The unit that the last word of a name says, else that of the field around it."""
    return _UNIT_BY_LAST_WORD.get(key.rpartition("_")[2], unit)


def summarize_fields(series: SampleSeries) -> tuple[FieldSummary, ...]:
    """Summarize every field of ``series.units``, in their order, whether it was sampled or not."""
    return tuple(
        summary for name, unit in series.units.items() for summary in _summarize(series, name, unit)
    )


def _summarize(series: SampleSeries, name: str, unit: str) -> Iterator[FieldSummary]:
    """One entry, or one for each field of the records that a process has."""
    values: dict[tuple[str, str], list[float]] = {}
    for sample in series.samples:
        for item in readings_in(name, unit, sample.get(name)):
            values.setdefault((item.field, item.unit), []).append(item.value)
    if not values:
        never = Unavailable(series.missing.get(name, "never sampled"))
        yield FieldSummary(name, unit, never, never, never)
    for (field, unit_of_field), numbers in values.items():
        yield _summarize_numbers(field, unit_of_field, numbers)


def _summarize_numbers(name: str, unit: str, values: list[float]) -> FieldSummary:
    if name in _CODES:
        why = _CODES[name]
        return FieldSummary(name, unit, why, why, why)
    if unit.endswith(COUNTER_SUFFIX):
        counter = Unavailable("a counter: only its increase over the window has a meaning")
        increase = float(values[-1] - values[0])
        return FieldSummary(name, unit.removesuffix(COUNTER_SUFFIX), counter, counter, increase)
    level = Unavailable("not a counter")
    mean = math.fsum(values) / len(values)
    return FieldSummary(name, unit, mean, float(max(values)), level)
