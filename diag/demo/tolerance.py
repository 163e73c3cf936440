"""A compared quantity and the difference that is allowed."""

from __future__ import annotations

from dataclasses import dataclass

# A group may differ by 2 % of the request or by 0.15 ms for each of its two edges, whichever is
# larger.
SHARE_TOLERANCE = 0.02
EDGE_TOLERANCE_NS = 150_000


@dataclass(frozen=True, slots=True)
class Deviation:
    """A quantity by diag and by the truth, in mean nanoseconds per request."""

    name: str
    diag_ns: float
    truth_ns: float
    tolerance_ns: float

    @property
    def difference_ns(self) -> float:
        """Diag minus truth, in ns."""
        return self.diag_ns - self.truth_ns

    @property
    def is_within(self) -> bool:
        """Whether the difference is within the tolerance."""
        return abs(self.difference_ns) <= self.tolerance_ns


def tolerance_ns(request_ns: float) -> float:
    """Allowed difference of a group in ns, for requests of this mean duration."""
    return max(SHARE_TOLERANCE * request_ns, 2 * EDGE_TOLERANCE_NS)
