"""One compared quantity, and how far off it may be."""

from __future__ import annotations

from dataclasses import dataclass

# A group may differ by 2 % of the request, or by 0.15 ms for each of its two edges: the greater.
SHARE_TOLERANCE = 0.02
EDGE_TOLERANCE_NS = 150_000


@dataclass(frozen=True, slots=True)
class Deviation:
    """One compared quantity, mean nanoseconds a request."""

    name: str
    diag_ns: float
    truth_ns: float
    tolerance_ns: float

    @property
    def difference_ns(self) -> float:
        """The one minus the other."""
        return self.diag_ns - self.truth_ns

    @property
    def is_within(self) -> bool:
        """Whether the difference is tolerable."""
        return abs(self.difference_ns) <= self.tolerance_ns


def tolerance_ns(request_ns: float) -> float:
    """How far a group may be off, for requests of this mean duration."""
    return max(SHARE_TOLERANCE * request_ns, 2 * EDGE_TOLERANCE_NS)
