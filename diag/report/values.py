"""What may stand in a report: finite numbers, shares of a whole, and text that is text."""

from __future__ import annotations

import math

from diag.model.availability import Unavailable
from diag.model.printable import readable as readable


def finite(value: float | Unavailable) -> float | Unavailable:
    """The number; JSON has no NaN and no infinity, so these become Unavailable."""
    if isinstance(value, Unavailable) or math.isfinite(value):
        return value
    return Unavailable("not a finite number")


def share(part: int, whole: int) -> float:
    """0 to 1; 0 of an empty whole."""
    return part / whole if whole else 0.0


def share_of(part: int | Unavailable, whole: int) -> float | Unavailable:
    """0 to 1, or why the part is not known."""
    return part if isinstance(part, Unavailable) else share(part, whole)


def readable_or_reason(text: str | Unavailable) -> str | Unavailable:
    """The text as in ``readable``, or why there is none."""
    return text if isinstance(text, Unavailable) else readable(text)
