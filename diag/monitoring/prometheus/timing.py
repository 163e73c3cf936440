"""The times on which rules depend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in seconds.

    Attributes:
        window_s: Over which rates and means are taken; at least four scrapes.
        interval_s: Between two evaluations of the rules.
        hold_s: An alert must be true for this long before it fires.
    """

    window_s: float = 300
    interval_s: float = 15
    hold_s: float = 300

    @property
    def window(self) -> str:
        """The window as PromQL writes it."""
        return duration(self.window_s)


def duration(seconds: float) -> str:
    """A duration of PromQL: ``5m``, ``15s``, ``200ms``."""
    millis = round(seconds * 1000)
    for unit, size in (("m", 60_000), ("s", 1000)):
        if millis and millis % size == 0:
            return f"{millis // size}{unit}"
    return f"{millis}ms"
