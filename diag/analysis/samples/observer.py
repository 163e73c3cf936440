"""Latency that the load generator measured around the capture, by its own clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diag.analysis.samples.fields import readings_in
from diag.model.availability import Unavailable
from diag.model.capture import Capture

# The unit is the last word of a name (docs/bundle-format.md).
_UNITS = {"ns": "ns", "ms": "ms", "us": "µs", "percent": "%", "ratio": "ratio", "share": "ratio"}


@dataclass(frozen=True, slots=True)
class ObserverFigure:
    """One number that the load generator measured.

    Attributes:
        phase: ``before``, ``during`` or ``after`` the capture; "" if the bundle names none.
        measure: What was measured, e.g. ``p99``.
        value: In ``unit``.
        unit: "" for a count.
    """

    phase: str
    measure: str
    value: float
    unit: str


def observer_figures(capture: Capture) -> tuple[ObserverFigure, ...] | Unavailable:
    """The numbers under ``observer`` in the bundle's manifest, in its order."""
    if isinstance(capture.manifest, Unavailable):
        return Unavailable("not measured: the source is not a bundle")
    observer = capture.manifest.get("observer")
    if not observer:
        return Unavailable("not measured: diag did not generate the load")
    return tuple(_figures(observer))


def _figures(observer: Any) -> Iterator[ObserverFigure]:
    for key, value in observer.items() if isinstance(observer, dict) else ():
        for reading in readings_in(str(key), "", value):
            path = f"{reading.field}.{reading.place}" if reading.place else reading.field
            phase, _, name = path.rpartition(".")
            words = name.split("_")
            unit = _UNITS.get(words[-1], "") if len(words) > 1 else ""
            measure = " ".join(words[:-1] if unit else words)
            yield ObserverFigure(phase, measure, reading.value, unit)
