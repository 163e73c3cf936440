"""Shares of a whole."""

from __future__ import annotations

from diag.model.availability import Unavailable


def share(part: int | Unavailable, whole: int) -> float | Unavailable:
    """0 to 1, 0 of an empty whole, or why the part is not known."""
    if isinstance(part, Unavailable):
        return part
    return part / whole if whole else 0.0
