"""An agent's life: listen, answer, end on a signal."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from diag.agent.limits import Limits
from diag.agent.machine_sources import MachineSources
from diag.agent.server import AgentServer
from diag.agent.service import AgentService

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from diag.agent.listen import ListenOptions

_POLL_S = 0.2


def run_agent(
    listening: ListenOptions, server_port: int, clients_max: int, log: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C. Call it from the main thread.

    Args:
        listening: Where and how to listen.
        server_port: Where the server listens whose process is sampled.
        clients_max: How many captures may sample at a time.
        log: Given a line when it begins, for each client, and when it ends.

    Raises:
        UsageError: The address or a certificate cannot be used.
    """
    service = AgentService(MachineSources(server_port), Limits(clients_max=clients_max), log)
    server = AgentServer(listening, service)
    stop_asked = _StopSignals()
    server.start()
    tls = "TLS" if listening.identity else "plaintext"
    token = "a token" if listening.token else "no token"
    log(f"listening on {server.address} ({tls}, {token}), at most {clients_max} clients")
    while not stop_asked.seen:
        time.sleep(_POLL_S)
        server.check()
    server.stop()
    log(f"stopped by {stop_asked.seen}")


class _StopSignals:
    """Notes SIGTERM and SIGINT.

    Attributes:
        seen: The name of the last one, "" for none. A plain value, not an Event: a handler must
            not take a lock that the interrupted code may hold.
    """

    def __init__(self) -> None:
        self.seen = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.seen = signal.Signals(number).name
