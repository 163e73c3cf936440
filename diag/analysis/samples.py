"""Samples beside the trace, field by field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.samples import SampleSeries

# How a sampler marks a unit whose values only ever grow (diag/capture/host_reader.py).
COUNTER_SUFFIX = ", counted up"
# Numbers that name something (diag/capture/gpu/questions.py, diag/capture/dcgm_fields.py).
_NO_QUANTITY = {
    "throttle_reasons": Unavailable("a bit mask: each bit stands for itself"),
    "xid_errors": Unavailable("the code of the last error"),
}
# Devices, their processes, what is known of each: no sampler nests deeper, though a file can.
DEPTH_MAX = 8
# What tells one process of a list from another, and is no measurement.
_IDENTITY = "pid"
_IS_SERVER = "is_server"  # tells which process it is, and is no number
_UNIT_BY_LAST_WORD = {"bytes": "bytes", "percent": "%", "ns": "ns", "mw": "mW", "ratio": "ratio"}


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """One sampled field over the window; of a list, over all its elements.

    Attributes:
        mean: Of a level; unavailable for a counter.
        max: Likewise.
        increase: Of a counter, from the first sample to the last; unavailable for a level.
    """

    field: str
    unit: str
    mean: float | Unavailable
    max: float | Unavailable
    increase: float | Unavailable


class Reading(NamedTuple):
    """One sampled number.

    Attributes:
        field: Its name; for what is sampled of each process, e.g. ``processes.memory_bytes``.
        place: Core, device or ``<device>.<pid>`` where the field has several values, else "".
    """

    field: str
    place: str
    value: float
    unit: str


def readings_in(name: str, unit: str, value: Any, depth: int = DEPTH_MAX) -> Iterator[Reading]:
    """The numbers in a sampled value; ``null`` in a list, and what is no number, has none."""
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
    """The unit is the last word of a name."""
    return _UNIT_BY_LAST_WORD.get(key.rpartition("_")[2], unit)


def summarize_samples(series: SampleSeries) -> tuple[FieldSummary, ...]:
    """An entry each field that was sampled or should have been, in the order of the units."""
    return tuple(
        summary for name, unit in series.units.items() for summary in _summarize(series, name, unit)
    )


def numbers_in(value: Any) -> Iterator[tuple[str, float]]:
    """The numbers in a sampled value with the path to each, e.g. ``0.memory_bytes``."""
    if isinstance(value, bool):
        yield "", float(value)
    elif isinstance(value, int | float):
        if math.isfinite(value):
            yield "", value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _below(str(key), item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _below(str(index), item)


def _below(head: str, value: Any) -> Iterator[tuple[str, float]]:
    for path, number in numbers_in(value):
        yield f"{head}.{path}" if path else head, number


def _summarize(series: SampleSeries, name: str, unit: str) -> Iterator[FieldSummary]:
    """One entry, or one for each thing that is sampled of a process."""
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
    if name in _NO_QUANTITY:
        why = _NO_QUANTITY[name]
        return FieldSummary(name, unit, why, why, why)
    if unit.endswith(COUNTER_SUFFIX):
        counted = Unavailable("a counter: only its increase over the window says something")
        increase = float(values[-1] - values[0])
        return FieldSummary(name, unit.removesuffix(COUNTER_SUFFIX), counted, counted, increase)
    level = Unavailable("not a counter")
    mean = math.fsum(values) / len(values)
    return FieldSummary(name, unit, mean, float(max(values)), level)
