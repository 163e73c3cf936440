"""AgentLink: a connection to an agent, with its description and clock offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from diag.capture.plan import SECOND, TlsOptions
from diag.capture.samplers.remote.agent_errors import (
    protocol_mismatch,
    reason_of_failure,
    unreached_reason,
)
from diag.capture.samplers.remote.clock import (
    ImpossibleClockError,
    hull,
    measure_offset,
    server_bounds,
)
from diag.capture.samplers.remote.protocol import (
    AUTHORIZATION,
    DESCRIBE,
    MESSAGE_MAX_BYTES,
    bearer,
    boot_id,
)
from diag.capture.server.connection import Connection, ConnectionOptions
from diag.capture.server.local_server import shares_clock
from diag.capture.server.target import find_server
from diag.errors import CaptureError
from diag.formats.wire.agent_pb2 import DescribeRequest, Description
from diag.model.availability import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.capture.interrupts import Interrupts
    from diag.capture.plan import AgentAccess
    from diag.capture.samplers.remote.clock import Bounds
    from diag.capture.server.local_server import LocalServer

# Default host names; two machines can have the same.
_NO_NAMES = ("", "localhost", "localhost.localdomain")


class AgentLink:
    """A connection to an agent that answered.

    Attributes:
        connection: To the agent; closed by ``close``.
        description: The agent's description of itself.
        offset: Least and greatest offset of the agent's clock (agent minus this machine) in ns.
    """

    def __init__(
        self, connection: Connection, description: Description, offset: Bounds, timeout_s: float
    ) -> None:
        """Use a connection; ``open_link`` makes one.

        Args:
            connection: To the agent.
            description: The agent's description of itself.
            offset: The offset measured just now.
            timeout_s: Time allowed for each call.
        """
        self.connection = connection
        self.description = description
        self.offset = offset
        self._timeout_s = timeout_s

    def measure_offset_again(self) -> None:
        """Measure the offset again and widen ``offset`` to include both measurements.

        Raises:
            grpc.RpcError: The agent did not answer.
            ImpossibleClockError: The agent sent an invalid time.
        """
        self.offset = hull(self.offset, measure_offset(self.connection, self._timeout_s))

    def close(self) -> None:
        """Close the connection; no effect when called again."""
        self.connection.__exit__(None, None, None)

    def server_bounds(self, server: Bounds) -> Bounds:
        """Bounds of the server's clock minus the agent's in ns.

        Args:
            server: Bounds of the server's clock minus this machine's in ns.
        """
        least, greatest = self.offset
        if self._is_here and least <= 0 <= greatest:
            return server
        return server_bounds(server, self.offset)

    def shares_clock(self, local: LocalServer | Unavailable, hostnames: Sequence[str]) -> bool:
        """Whether the server and the agent read the same clock.

        Args:
            local: Of ``find_local_server``, for the server.
            hostnames: The host names in the trace.
        """
        name = self.description.hostname
        if name not in _NO_NAMES and list(hostnames) == [name]:
            return True
        return self._is_here and shares_clock(local, hostnames)

    @property
    def _is_here(self) -> bool:
        """Whether the agent runs on this machine's kernel."""
        return bool(boot_id()) and self.description.boot_id == boot_id()


def open_link(
    access: AgentAccess, timeout_ns: int, interrupts: Interrupts
) -> AgentLink | Unavailable:
    """Connect to an agent.

    Args:
        access: The agent's address, certificates and token.
        timeout_ns: Time allowed for each call.
        interrupts: Delays signals while gRPC code runs.

    Returns:
        The link, or the reason why there is none, which continues "the agent at HOST:PORT ".

    Raises:
        UsageError: A certificate or key file cannot be read.
        KeyboardInterrupt: A signal arrived during the wait.
    """
    try:
        connection = _connect(access, timeout_ns, interrupts)
    except CaptureError as exc:
        return Unavailable(unreached_reason(exc))
    timeout_s = timeout_ns / SECOND
    try:
        description = connection.call(DESCRIBE, DescribeRequest(), Description, timeout_s)
        reason = protocol_mismatch(description)
        if not reason:
            offset = measure_offset(connection, timeout_s)
            return AgentLink(connection, description, offset, timeout_s)
    except grpc.RpcError as exc:
        reason = reason_of_failure(exc, connection)
    except ImpossibleClockError as exc:
        reason = str(exc)
    connection.__exit__(None, None, None)
    return Unavailable(reason)


def _connect(access: AgentAccess, timeout_ns: int, interrupts: Interrupts) -> Connection:
    target = find_server(access.address, timeout_ns / SECOND, "agent.address")
    options = ConnectionOptions(
        tls=access.tls or (None if target.is_loopback else TlsOptions()),
        tls_parameter="agent.tls",
        headers=((AUTHORIZATION, bearer(access.token)),) if access.token else (),
        receive_max_bytes=MESSAGE_MAX_BYTES,
    )
    return Connection(target, options, interrupts)
