"""Absence as a value: what could not be measured carries the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Replaces a value that is not known; diag never uses 0 or None for that.

    Attributes:
        reason: Why it is not known, as a short phrase that reads well after "n/a: ".
    """

    reason: str
