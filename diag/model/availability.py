"""Absence as a value: a thing that could not be known carries the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Stands where a value would, when there is none; never 0, never a bare None.

    Attributes:
        reason: Why, as half a sentence that reads after "unavailable: ".
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Caveat:
    """Something that limits what the numbers mean; shown before them.

    Attributes:
        code: Lower-kebab, permanent, e.g. ``window-too-short``.
        text: One sentence for a person on call.
    """

    code: str
    text: str
