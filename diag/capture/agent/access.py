"""How a capture reaches its agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.capture.target import parse_server

if TYPE_CHECKING:
    from diag.capture.plan import TlsOptions


@dataclass(frozen=True, slots=True)
class AgentAccess:
    """Where an agent is, and what to show it.

    Attributes:
        address: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:/path``.
        tls: How to trust it and to be trusted. None is plaintext on this machine, and TLS with the
            system's authorities elsewhere: nothing leaves this machine unprotected.
        token: Sent with every call; "" for none. Never shown and never stored.
    """

    address: str
    tls: TlsOptions | None = None
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Check the address.

        Raises:
            UsageError: It is none.
        """
        parse_server(self.address, "--agent")
