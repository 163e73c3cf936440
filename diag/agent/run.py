"""Runs an agent until a signal ends it."""

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
    """Serve until SIGTERM or Ctrl-C; call this from the main thread.

    Args:
        listening: Address, certificate and token.
        server_port: gRPC port of the server whose process is sampled.
        clients_max: Captures that can sample at the same time.
        log: Called with one line of text at the start, for each client, and at the end.

    Raises:
        UsageError: The address or a certificate cannot be used.
    """
    service = AgentService(MachineSources(server_port), Limits(clients_max=clients_max), log)
    server = AgentServer(listening, service)
    stop_signals = _StopSignals()
    server.start()
    tls = "TLS" if listening.certificate else "plaintext"
    token = "a token" if listening.token else "no token"
    log(f"listening on {server.address} ({tls}, {token}), at most {clients_max} clients")
    while not stop_signals.received:
        time.sleep(_POLL_S)
        server.check()
    server.stop()
    log(f"stopped by {stop_signals.received}")


class _StopSignals:
    """Records SIGTERM and SIGINT.

    Attributes:
        received: Name of the last signal, or "". A plain attribute and not an Event, because a
            signal handler must not take a lock that the interrupted code may hold.
    """

    def __init__(self) -> None:
        self.received = ""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
