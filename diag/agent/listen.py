"""Where an agent may listen: on this machine freely, elsewhere only with TLS and a token."""

from __future__ import annotations

import socket
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from diag.capture.samplers.remote.token import check_private
from diag.capture.server.target import Target, parse_server
from diag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONNECT_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The agent's certificate; all paths are PEM files.

    Attributes:
        cert: With its chain.
        key: Of the certificate.
        client_ca: Who signs the certificates that clients must show; None for any client.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """Where and how to listen; checked.

    Attributes:
        place: Resolved; port 0 takes a free one.
        identity: None for plaintext.
        token: What every call must carry, "" for none.
    """

    place: Target
    identity: ServerCertificate | None = None
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse what would open the agent to a network.

        Raises:
            UsageError: The address is not this machine's own and TLS or the token is missing.
        """
        lacking = [
            text
            for text, there in (
                ("--tls-cert and --tls-key", self.identity),
                ("--token-file (or the variable DIAG_AGENT_TOKEN)", self.token),
            )
            if not there
        ]
        if lacking and not self.place.is_loopback:
            raise UsageError(
                f"--listen {self.place.given} can be reached from other machines: it needs "
                + " and ".join(lacking),
                hint="listen on 127.0.0.1 and reach it by ssh -L or kubectl port-forward, or see "
                "docs/agent.md",
            )

    @property
    def credentials(self) -> grpc.ServerCredentials | None:
        """For gRPC; None for plaintext.

        Raises:
            UsageError: A file cannot be used.
        """
        return None if self.identity is None else _credentials(self.identity)


def resolve_listen_address(text: str) -> Target:
    """Resolve what ``--listen`` names.

    Raises:
        UsageError: It is no address, cannot be resolved, or a server listens on that socket.
    """
    host, port = parse_server(text, "--listen", port_min=0)
    if text.startswith("unix:"):
        _check_socket(Path(host))
        return Target(text, "", 0, host, socket.AF_UNIX)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as exc:
        raise UsageError(f"--listen {text} cannot be resolved", cause=str(exc)) from exc
    family, _, _, _, where = found[0]
    return Target(text, host, port, str(where[0]), family)


def _check_socket(path: Path) -> None:
    """What is there gRPC would take away, a socket in use too."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise UsageError(f"--listen unix:{path}: there is a file of that name")
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(_CONNECT_TIMEOUT_S)
        try:
            stream.connect(str(path))
        except OSError:
            return
    raise UsageError(f"--listen unix:{path} is in use")


def _credentials(identity: ServerCertificate) -> grpc.ServerCredentials:
    check_private(identity.key, "--tls-key")
    # gRPC would say what is wrong with them at a client's handshake only.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(identity.cert, identity.key)
        if identity.client_ca is not None:
            context.load_verify_locations(identity.client_ca)
    except (ssl.SSLError, OSError) as exc:
        raise UsageError(
            f"--tls-cert {identity.cert}, --tls-key {identity.key}"
            + (f" or --client-ca {identity.client_ca}" if identity.client_ca else "")
            + " cannot be used",
            cause=getattr(exc, "reason", "") or exc.strerror or str(exc),
            hint="all are PEM files, and the key is that of the certificate",
        ) from exc
    authority = None if identity.client_ca is None else identity.client_ca.read_bytes()
    pair: Sequence[tuple[bytes, bytes]] = [(identity.key.read_bytes(), identity.cert.read_bytes())]
    return grpc.ssl_server_credentials(
        pair, root_certificates=authority, require_client_auth=authority is not None
    )
