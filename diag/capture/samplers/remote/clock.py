"""The offset between the agent's clock and this machine's, and from it the server's.

The agent reads its clock between request and answer::

    this machine     sent |------------------| received
    agent                       reading

so ``agent = here + offset`` with ``reading - received <= offset <= reading - sent``. Of several
round trips the shortest gives the tightest bounds.
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
# The year 2116. Differences of such times, and differences of those, fit 64 bits.
CLOCK_LIMIT_NS = 1 << 62


class ImpossibleClockError(Exception):
    """The agent sent an invalid time; the text continues "the agent at HOST:PORT "."""


def measure_offset(connection: Connection, timeout_s: float) -> Bounds:
    """Least and greatest offset of the agent's clock (agent minus this machine) in ns.

    Args:
        connection: To the agent.
        timeout_s: Time allowed for each round trip.

    Raises:
        grpc.RpcError: The agent did not answer.
        ImpossibleClockError: The agent sent an invalid time.
    """
    return min((_round_trip(connection, timeout_s) for _ in range(ROUND_TRIPS)), key=_width)


def hull(first: Bounds, second: Bounds) -> Bounds:
    """Bounds that include both; a clock may have been adjusted between two measurements."""
    return min(first[0], second[0]), max(first[1], second[1])


def server_bounds(server: Bounds, agent: Bounds) -> Bounds:
    """Bounds of ``server - agent`` in ns.

    Args:
        server: Bounds of ``server - here`` in ns.
        agent: Bounds of ``agent - here`` in ns.
    """
    return server[0] - agent[1], server[1] - agent[0]


def _round_trip(connection: Connection, timeout_s: float) -> Bounds:
    sent_ns = time.time_ns()
    reading = connection.call(READ_CLOCK, ClockRequest(), ClockReading, timeout_s)
    received_ns = time.time_ns()
    if not 0 <= reading.unix_ns < CLOCK_LIMIT_NS:
        raise ImpossibleClockError(f"sent an invalid time: {reading.unix_ns:,} ns since 1970")
    return reading.unix_ns - received_ns, reading.unix_ns - sent_ns


def _width(bounds: Bounds) -> int:
    return bounds[1] - bounds[0]
