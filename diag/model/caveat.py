"""A caveat: what limits the meaning of an analysis, as a code with facts."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from diag.model.availability import Unavailable

Fact = int | float | str | bool | tuple[str, ...] | Unavailable


class Limit(enum.Enum):
    """Which results a caveat limits."""

    REQUESTS = "requests"  # how many there were, and which
    STAGES = "stages"  # how their time is split
    QUEUEING = "queueing"  # how waiting is split into fill, thread and dispatch
    IDLE = "idle"  # causes of idle time
    DEVICES = "devices"  # what GPUs did
    SAMPLES = "samples"  # host, NVML and DCGM samples
    METRICS = "metrics"  # the server's own metrics
    CLOCKS = "clocks"  # how sources lie on one time axis


@dataclass(frozen=True, slots=True)
class Caveat:
    """What limits the numbers; the report words it (diag/report/wording/caveats.py).

    Attributes:
        code: Lower-kebab, permanent, e.g. ``window-too-short``.
        limits: The results it limits, the most limited first.
        facts: Name and value, unit as the last word of the name; as pairs, so that caveats can be
            compared and hashed.
        remedy: Code of what lifts it, e.g. ``capture-longer``; "" if nothing does.
    """

    code: str
    limits: tuple[Limit, ...]
    facts: tuple[tuple[str, Fact], ...] = ()
    remedy: str = ""

    def fact(self, name: str) -> Fact:
        """The value of one fact.

        Raises:
            KeyError: The caveat has no such fact.
        """
        return dict(self.facts)[name]
