"""AgentLink: a connection to an agent that answered, what it is, and how its clock runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from diag.capture.plan import SECOND, CapturePlan, TlsOptions
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
from diag.capture.server.connection import Connection
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

# Names that machines have when nobody named them; two of them need not be one machine.
_NO_NAMES = ("", "localhost", "localhost.localdomain")


class AgentLink:
    """An agent that answered.

    Attributes:
        connection: To it; closed by ``close``.
        description: What it says of itself.
        offset: Least and greatest of its clock minus this machine's, in ns.
    """

    def __init__(
        self, connection: Connection, description: Description, offset: Bounds, timeout_s: float
    ) -> None:
        """Keep what ``open_link`` found.

        Args:
            connection: To the agent.
            description: What it says of itself.
            offset: As measured just now.
            timeout_s: For every answer.
        """
        self.connection = connection
        self.description = description
        self.offset = offset
        self._timeout_s = timeout_s

    def measure_offset_again(self) -> None:
        """Let ``offset`` hold for now as well as for before.

        Raises:
            grpc.RpcError: The agent did not answer.
            ImpossibleClockError: What it answered is no time.
        """
        self.offset = hull(self.offset, measure_offset(self.connection, self._timeout_s))

    def close(self) -> None:
        """Let go of it; harmless when called again."""
        self.connection.__exit__(None, None, None)

    def server_bounds(self, server: Bounds) -> Bounds:
        """Bounds of the server's clock minus the agent's.

        Args:
            server: Bounds of the server's clock minus this machine's.
        """
        least, greatest = self.offset
        if self._is_here and least <= 0 <= greatest:
            return server
        return server_bounds(server, self.offset)

    def shares_clock(self, local: LocalServer | Unavailable, hostnames: Sequence[str]) -> bool:
        """Whether the server reads the very clock that the agent reads.

        Args:
            local: Of ``find_local_server``, for the server.
            hostnames: As the trace names its host.
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
    """Reach an agent.

    Args:
        access: Where it is.
        timeout_ns: For every answer.
        interrupts: Held off while gRPC is at work.

    Returns:
        The link, or why there is none, as half a sentence of which the agent is the subject.

    Raises:
        UsageError: A certificate or key file cannot be read.
        KeyboardInterrupt: While waiting.
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
    target = find_server(access.address, timeout_ns / SECOND)
    tls = access.tls
    if tls is None and not target.is_loopback:
        tls = TlsOptions(prefix="--agent-")
    plan = CapturePlan(
        server=access.address,
        tls=tls,
        headers=((AUTHORIZATION, bearer(access.token)),) if access.token else (),
        timeout_ns=timeout_ns,
        receive_max_bytes=MESSAGE_MAX_BYTES,
    )
    return Connection(target, plan, interrupts)
