"""The one sentence: what holds requests up, or the device idle, and the knob to turn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number the verdict rests on, and where it can be looked up."""

    label: str
    value: float
    unit: str
    ref: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence and what is behind it.

    Attributes:
        cause: Lower-kebab, permanent: a Stage, an IdleCause, or ``healthy``, ``saturated``,
            ``padding``, ``other-process``, ``gpu-not-traced``, ``no-requests``,
            ``not-recorded``.
        sentence: To be read aloud; every number in it is in ``evidence``.
        knob: What to change, with today's value where it is known; "" if nothing.
        verify: How to see that it helped.
        confidence: ``high``, ``medium`` or ``low``.
        evidence: In order of weight.
    """

    cause: str
    sentence: str
    knob: str
    verify: str
    confidence: str
    evidence: tuple[Evidence, ...]
