"""Samples beside the trace, field by field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diag.model.samples import SampleSeries

# How a sampler marks a unit whose values only ever grow (diag/capture/host_reader.py).
COUNTER_SUFFIX = ", counted up"


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


def summarize_samples(series: SampleSeries) -> tuple[FieldSummary, ...]:
    """One entry a field that was sampled or should have been, in the order of the units."""
    return tuple(_summarize_field(series, name, unit) for name, unit in series.units.items())


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


def _summarize_field(series: SampleSeries, name: str, unit: str) -> FieldSummary:
    values = [
        number
        for sample in series.samples
        if name in sample
        for _, number in numbers_in(sample[name])
    ]
    if not values:
        never = Unavailable(series.missing.get(name, "never sampled"))
        return FieldSummary(name, unit, never, never, never)
    if unit.endswith(COUNTER_SUFFIX):
        counted = Unavailable("a counter: only its increase over the window says something")
        increase = float(values[-1] - values[0])
        return FieldSummary(name, unit.removesuffix(COUNTER_SUFFIX), counted, counted, increase)
    level = Unavailable("not a counter")
    mean = math.fsum(values) / len(values)
    return FieldSummary(name, unit, mean, float(max(values)), level)
