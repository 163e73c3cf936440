"""What the tab and its workers say to each other, as lines of JSON."""

from __future__ import annotations

import msgspec


class Spot(msgspec.Struct, frozen=True):
    """A span of time with a name.

    Attributes:
        kind: ``finding``, ``idle`` or ``request``.
        text: What is there.
        start_ns: Since the trace began, as trace viewers count.
        end_ns: Half-open.
    """

    kind: str
    text: str
    start_ns: int
    end_ns: int


class Job(msgspec.Struct, frozen=True):
    """What to make.

    Attributes:
        source: Bundle or trace.
        compared_with: A second one, recorded after a change; "" for a report of the first.
    """

    source: str
    compared_with: str = ""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """Progress, or the result.

    Attributes:
        step: What is done now; "" in the last message.
        page: The finished HTML page.
        spots: Where in the trace to look; empty for a comparison.
        error: Why there is no page.
    """

    step: str = ""
    page: str = ""
    spots: tuple[Spot, ...] = ()
    error: str = ""
