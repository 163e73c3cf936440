"""What may stand in a report: finite numbers and text that is text."""

from __future__ import annotations

import math

from diag.model.availability import Unavailable


def finite(value: float | Unavailable) -> float | Unavailable:
    """The number; JSON has no NaN and no infinity, so these become Unavailable."""
    if isinstance(value, Unavailable) or math.isfinite(value):
        return value
    return Unavailable("not a finite number")


def readable(text: str) -> str:
    r"""The text with lone surrogates (undecodable bytes of a file name) spelt out as ``\udc80``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
