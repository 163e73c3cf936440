"""How sure a statement is."""

from __future__ import annotations

import enum


class Confidence(enum.Enum):
    """How well a cause is supported, see docs/attribution.md: high by events, low is a guess."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
