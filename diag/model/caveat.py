"""A caveat: what limits the meaning of an analysis, as a code with facts."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from diag.model.availability import Unavailable

Fact = int | float | str | bool | tuple[str, ...] | tuple[float, ...] | Unavailable

# Name of the fact that holds the sentence of a caveat that a capture recorded.
RECORDED_TEXT = "recorded_text"


class Limit(enum.Enum):
    """Which results a caveat limits."""

    REQUESTS = "requests"  # how many there were, and which
    STAGES = "stages"  # how their time is split
    QUEUEING = "queueing"  # how waiting is split into fill, thread and dispatch
    IDLE = "idle"  # causes of idle time
    DEVICES = "devices"  # what GPUs did
    SAMPLES = "samples"  # host, NVML and DCGM samples
    METRICS = "metrics"  # the server's own metrics
    CLOCKS = "clocks"  # how sources are aligned on one time axis


@dataclass(frozen=True, slots=True)
class Caveat:
    """What limits the numbers; ``diag/report/wording/caveats.py`` turns it into sentences.

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

    @property
    def recorded_text(self) -> str:
        """The sentence that a capture recorded; "" for a caveat of the analysis."""
        text = dict(self.facts).get(RECORDED_TEXT, "")
        return text if isinstance(text, str) else ""


# Caveats of a capture (docs/capture.md). A code that is not here may be from a newer diag.
_LIMITS_OF_RECORDED = {
    "no-host": (Limit.SAMPLES,),
    "no-gpu": (Limit.SAMPLES, Limit.DEVICES),
    "no-dcgm": (Limit.SAMPLES,),
    "no-metrics": (Limit.METRICS, Limit.QUEUEING),
    "agent-lost": (Limit.SAMPLES,),
    "samples-dropped": (Limit.SAMPLES,),
    "samples-cut": (Limit.SAMPLES,),
    "interrupted": (Limit.REQUESTS,),
    "models-changed": (Limit.REQUESTS,),
    "grpc-threads-exhausted": (Limit.REQUESTS,),
    "clock-unknown": (Limit.CLOCKS, Limit.SAMPLES),
}


def recorded_caveat(code: str, text: str) -> Caveat:
    """A caveat of a capture, which is stored as a code and a sentence (docs/bundle-format.md)."""
    return Caveat(code, _LIMITS_OF_RECORDED.get(code, ()), ((RECORDED_TEXT, text),))
