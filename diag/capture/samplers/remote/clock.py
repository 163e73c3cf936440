"""How the agent's clock relates to this machine's, and by it to the server's.

A reading of the agent's clock lies between asking and answer::

    this machine     asked |------------------| answered
    agent                        reading

so ``agent = here + offset`` with ``reading - answered <= offset <= reading - asked``. Of several
round trips the shortest says most.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diag.capture.samplers.remote.protocol import READ_CLOCK
from diag.formats.wire.agent_pb2 import ClockReading, ClockRequest

if TYPE_CHECKING:
    from diag.capture.server.connection import Connection

Bounds = tuple[int, int]

ROUND_TRIPS = 8
# In the year 2116. Differences of such times, and of those, are whole numbers of 64 bits.
CLOCK_LIMIT_NS = 1 << 62


class ImpossibleClockError(Exception):
    """An agent's clock reads what no clock can; its text has the agent for a subject."""


def measure_offset(connection: Connection, timeout_s: float) -> Bounds:
    """Least and greatest offset in ns of the agent's clock.

    Raises:
        grpc.RpcError: The agent did not answer.
        ImpossibleClockError: What it answered is no time.
    """
    return min((_round_trip(connection, timeout_s) for _ in range(ROUND_TRIPS)), key=_width)


def hull(first: Bounds, second: Bounds) -> Bounds:
    """Bounds that hold before and after: one of the clocks may have been corrected between."""
    return min(first[0], second[0]), max(first[1], second[1])


def server_bounds(server: Bounds, agent: Bounds) -> Bounds:
    """Bounds of ``server - agent``.

    Args:
        server: Of ``server - here``.
        agent: Of ``agent - here``.
    """
    return server[0] - agent[1], server[1] - agent[0]


def _round_trip(connection: Connection, timeout_s: float) -> Bounds:
    asked_ns = time.time_ns()
    reading = connection.call(READ_CLOCK, ClockRequest(), ClockReading, timeout_s)
    answered_ns = time.time_ns()
    if not 0 <= reading.unix_ns < CLOCK_LIMIT_NS:
        raise ImpossibleClockError(f"says that it is {reading.unix_ns:,} ns since 1970")
    return reading.unix_ns - answered_ns, reading.unix_ns - asked_ns


def _width(bounds: Bounds) -> int:
    return bounds[1] - bounds[0]
